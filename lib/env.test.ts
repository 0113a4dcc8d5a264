import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ENVIRONMENT_NAMES, parseEnvironment } from "./env.ts";

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

  test(".env.example sets every variable once, explains it, and knows no other", () => {
    const lines = readFileSync(new URL("../.env.example", import.meta.url), "utf8").split("\n");
    const named = lines.flatMap((line) => /^([A-Z_]+)=/.exec(line)?.[1] ?? []);
    expect(named.sort()).toEqual([...ENVIRONMENT_NAMES].sort());
    const blocks = lines.join("\n").split("\n\n");
    for (const block of blocks.filter((text) => /^[A-Z_]+=/m.test(text))) {
      expect(block, "a block of variables begins with an explanation").toMatch(/^#/);
    }
  });

  test("the values of .env.example are accepted as they stand, but for the secret that has to be made", () => {
    const text = readFileSync(new URL("../.env.example", import.meta.url), "utf8");
    const values = Object.fromEntries(
      [...text.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, key, value]) => [key, value]),
    );
    expect(parseEnvironment({ ...values, BETTER_AUTH_SECRET: "x".repeat(32) })).toMatchObject({
      GATEWAY_PORT: 7443,
    });
    expect(() => parseEnvironment(values)).toThrow(
      expect.objectContaining({ message: expect.stringContaining("BETTER_AUTH_SECRET") }),
    );
  });
});
