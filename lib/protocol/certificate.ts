// Both ends of the wire have a self-made certificate: trust is a pinned fingerprint (of the gateway, by the agent) and a
// bound public key (of the agent, by the gateway), never a name or an authority. This file makes certificates and computes
// what is pinned and bound.
import { createHash, X509Certificate } from "node:crypto";
import { generate } from "selfsigned";

export interface SelfMadeCertificate {
  readonly certPem: string;
  readonly keyPem: string;
}

// A pin outlives people's memory of it, and renewing a certificate would mean visiting every PC: so the dates are wide, and
// begin in the past for PCs whose clock battery is dead.
const NOT_BEFORE = new Date("2000-01-01T00:00:00Z");
const NOT_AFTER = new Date("2099-12-31T00:00:00Z");

/** A new P-256 key pair and a certificate for it, signed by itself. */
export async function makeCertificate(commonName: string): Promise<SelfMadeCertificate> {
  const made = await generate([{ name: "commonName", value: commonName }], {
    keyType: "ec",
    curve: "P-256",
    algorithm: "sha256",
    notBeforeDate: NOT_BEFORE,
    notAfterDate: NOT_AFTER,
  });
  return { certPem: `${made.cert.trim()}\n`, keyPem: made.private };
}

/** What an agent pins: "sha256:" and the hex SHA-256 of the certificate's DER. */
export function fingerprintOf(certificate: X509Certificate | string): string {
  const parsed = typeof certificate === "string" ? new X509Certificate(certificate) : certificate;
  return `sha256:${createHash("sha256").update(parsed.raw).digest("hex")}`;
}

/** What the gateway knows an agent by: hex SHA-256 of its public key (SPKI, DER). A renewed certificate keeps it. */
export function keyHashOf(certificate: X509Certificate | string): string {
  const parsed = typeof certificate === "string" ? new X509Certificate(certificate) : certificate;
  return createHash("sha256")
    .update(parsed.publicKey.export({ type: "spki", format: "der" }))
    .digest("hex");
}

/** Accepts "sha256:HEX", plain hex, and openssl's colon-separated form; null when it is none of them. */
export function parseFingerprint(text: string): string | null {
  const hex = text
    .trim()
    .replace(/^sha256:/i, "")
    .replaceAll(":", "")
    .toLowerCase();
  return /^[0-9a-f]{64}$/.test(hex) ? `sha256:${hex}` : null;
}

// Without 0, O, 1, I, L and U: read aloud across a classroom, none is mistaken for another.
const CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ";

/** The short code on the PC's screen and in the enrolment inbox: both sides derive it from the key, neither is told it. */
export function enrolmentCodeOf(keyHash: string): string {
  let rest = BigInt(`0x${keyHash}`);
  let code = "";
  for (let index = 0; index < 8; index++) {
    code += CODE_ALPHABET[Number(rest % BigInt(CODE_ALPHABET.length))];
    rest /= BigInt(CODE_ALPHABET.length);
  }
  return `${code.slice(0, 4)}-${code.slice(4)}`;
}
