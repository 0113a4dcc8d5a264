import { X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import {
  enrolmentCodeOf,
  fingerprintOf,
  keyHashOf,
  makeCertificate,
  parseFingerprint,
} from "./certificate.ts";

test("a self-made certificate is valid now and for decades, and its pin is that of its DER", async () => {
  const { certPem } = await makeCertificate("sheepfold-test");
  const certificate = new X509Certificate(certPem);
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  expect(certificate.validFromDate.getTime()).toBeLessThan(Date.now());
  expect(certificate.validToDate.getFullYear()).toBeGreaterThan(2090);
  expect(fingerprintOf(certPem)).toBe(
    `sha256:${certificate.fingerprint256.replaceAll(":", "").toLowerCase()}`,
  );
  const other = await makeCertificate("sheepfold-test");
  expect(keyHashOf(other.certPem)).not.toBe(keyHashOf(certPem));
});

test("fingerprints are read in the forms people paste", () => {
  const hex = "0a".repeat(32);
  const colons = hex.toUpperCase().replace(/(..)(?=.)/g, "$1:");
  for (const text of [hex, `sha256:${hex}`, `SHA256:${hex}`, colons, ` ${hex}\n`]) {
    expect(parseFingerprint(text)).toBe(`sha256:${hex}`);
  }
  for (const text of ["", "sha256:", hex.slice(1), `${hex}0`, "x".repeat(64)])
    expect(parseFingerprint(text)).toBeNull();
});

test("the enrolment code depends on the key alone and has no characters that are mistaken for others", () => {
  const code = enrolmentCodeOf("ab".repeat(32));
  expect(code).toBe(enrolmentCodeOf("ab".repeat(32)));
  expect(code).toMatch(/^[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}$/);
  expect(code).not.toBe(enrolmentCodeOf("ac".repeat(32)));
});
