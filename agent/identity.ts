// Who this PC is: a key pair made at first start and kept in the state folder, readable by its owner alone. The gateway knows
// the PC by the public key's hash; whoever copies the folder copies the PC's identity.
import { chmod, mkdir, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { CodedError } from "#lib/model/errors.ts";
import { enrolmentCodeOf, keyHashOf, makeCertificate } from "#lib/protocol/certificate.ts";

export interface AgentIdentity {
  readonly certPem: string;
  readonly keyPem: string;
  readonly keyHash: string;
  /** For people to compare with the enrolment inbox. */
  readonly code: string;
}

export async function loadOrCreateIdentity(stateFolder: string): Promise<AgentIdentity> {
  await mkdir(stateFolder, { recursive: true, mode: 0o700 });
  // One file for both halves: a crash between two files would leave a key without its certificate.
  const path = join(stateFolder, "identity.pem");
  const pem = (await readIfThere(path)) ?? (await createIdentityFile(path));
  const certPem = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----\n?/.exec(pem)?.[0];
  const keyPem = /-----BEGIN PRIVATE KEY-----[\s\S]+?-----END PRIVATE KEY-----\n?/.exec(pem)?.[0];
  if (certPem === undefined || keyPem === undefined) {
    throw new CodedError("environment-invalid", `The agent's identity file ${path} is damaged.`, {
      hint: "Restore it from a backup, or delete it: the PC then enrols anew and must be approved again.",
    });
  }
  const keyHash = keyHashOf(certPem);
  return { certPem, keyPem, keyHash, code: enrolmentCodeOf(keyHash) };
}

async function createIdentityFile(path: string): Promise<string> {
  const made = await makeCertificate("sheepfold-agent");
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
