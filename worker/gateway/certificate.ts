// The gateway's certificate: made once, kept in the state folder, pinned by every agent. Losing the folder means telling every
// agent the new fingerprint, so it belongs into the backup.
import { chmod, mkdir, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { CodedError } from "#lib/model/errors.ts";
import { fingerprintOf, makeCertificate } from "#lib/protocol/certificate.ts";

export interface GatewayCertificate {
  readonly certPem: string;
  readonly keyPem: string;
  readonly fingerprint: string;
}

export async function ensureGatewayCertificate(stateFolder: string): Promise<GatewayCertificate> {
  await mkdir(stateFolder, { recursive: true, mode: 0o700 });
  const path = join(stateFolder, "gateway.pem");
  const pem = (await readIfThere(path)) ?? (await create(path));
  const certPem = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----\n?/.exec(pem)?.[0];
  const keyPem = /-----BEGIN PRIVATE KEY-----[\s\S]+?-----END PRIVATE KEY-----\n?/.exec(pem)?.[0];
  if (certPem === undefined || keyPem === undefined) {
    throw new CodedError("environment-invalid", `The gateway's certificate file ${path} is damaged.`, {
      hint: "Restore it from a backup. Deleting it makes a new one, whose fingerprint every agent must then be told.",
    });
  }
  return { certPem, keyPem, fingerprint: fingerprintOf(certPem) };
}

async function create(path: string): Promise<string> {
  const made = await makeCertificate("sheepfold-gateway");
  const pem = made.keyPem + made.certPem;
  const draft = `${path}.new`;
  const file = await open(draft, "w", 0o600);
  try {
    await file.writeFile(pem);
    await file.sync();
  } finally {
    await file.close();
  }
  await chmod(draft, 0o600); // An older draft may have been left with other permissions.
  await rename(draft, path);
  return pem;
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}
