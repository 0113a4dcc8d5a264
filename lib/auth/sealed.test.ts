import { beforeAll, expect, test } from "vitest";
import { forgetEnvironment } from "#lib/env.ts";
import { seal, unseal } from "./sealed.ts";

function useSecret(secret: string): void {
  process.env.BETTER_AUTH_SECRET = secret;
  forgetEnvironment();
}

beforeAll(() => useSecret("a".repeat(32)));

test("a secret comes out as it went in, and reads differently each time it is sealed", () => {
  const sealed = seal("wifi_key", "pässword");
  expect(unseal("wifi_key", sealed)).toBe("pässword");
  expect(sealed).not.toContain("word");
  expect(seal("wifi_key", "pässword")).not.toBe(sealed);
});

test("a secret of another name, of another server, or changed in one bit is refused", () => {
  const sealed = seal("wifi_key", "value");
  const bytes = Buffer.from(sealed.slice(3), "base64url");
  bytes[15] = (bytes[15] ?? 0) ^ 1;
  const refused = expect.objectContaining({ code: "secret-unreadable" });
  expect(() => unseal("domain_key", sealed)).toThrow(refused);
  expect(() => unseal("wifi_key", `v1.${bytes.toString("base64url")}`)).toThrow(refused);
  expect(() => unseal("wifi_key", "plain text")).toThrow(refused);
  useSecret("b".repeat(32));
  expect(() => unseal("wifi_key", sealed)).toThrow(refused);
  useSecret("a".repeat(32));
});
