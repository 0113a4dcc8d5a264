import { describe, expect, test } from "vitest";
import { parseEnvironment } from "./env.ts";

const GOOD = {
  DATABASE_URL: "postgres://a:b@localhost/x",
  REDIS_URL: "redis://localhost:6379",
  BETTER_AUTH_SECRET: "x".repeat(32),
};

describe("environment", () => {
  test("what is not set has its documented default", () => {
    const parsed = parseEnvironment({ ...GOOD, GATEWAY_PORT: "" });
    expect(parsed).toMatchObject({
      GATEWAY_PORT: 7443,
      GATEWAY_HOST: "0.0.0.0",
      APP_URL: "http://localhost:3000",
    });
  });

  for (const [name, value] of [
    ["DATABASE_URL", undefined],
    ["DATABASE_URL", "mysql://x"],
    ["REDIS_URL", "localhost:6379"],
    ["GATEWAY_PORT", "70000"],
    ["GATEWAY_PORT", "many"],
    ["BETTER_AUTH_SECRET", "short"],
    ["APP_URL", "ftp://x"],
    ["SHEEPFOLD_ADMIN_EMAIL", "nobody"],
    ["LOG_LEVEL", "loud"],
  ] as const) {
    test(`${name}=${value} is refused by name`, () => {
      expect(() => parseEnvironment({ ...GOOD, [name]: value })).toThrow(
        expect.objectContaining({ code: "environment-invalid", message: expect.stringContaining(name) }),
      );
    });
  }
});
