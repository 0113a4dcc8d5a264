// The worker's repository: made at an installation's first start, opened for writing, waited for when another worker still holds
// it. Never made in place of one that was there: a folder that is suddenly empty is a disk that is not mounted.
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import {
  createRepository,
  makeKeyFile,
  openLocalDisk,
  openRepository,
  type Repository,
  type RepositoryKey,
  readKeyFile,
  type Storage,
  USUAL_RESERVE_BYTES,
} from "#lib/engine/repository.ts";
import { CodedError } from "#lib/model/errors.ts";
import { log } from "./log.ts";

/** A worker being replaced has ten seconds to stop. */
const LOCK_WAIT_MS_MAX = 30_000;

/** Of an encrypted repository, as the environment has it. */
interface NamedKey {
  readonly keyFile?: string;
  readonly passphrase?: string;
}

/** `knownIds`: repositories the database has seen in this folder. */
export async function openWorkersRepository(
  path: string,
  knownIds: readonly string[],
  named: NamedKey = {},
): Promise<Repository> {
  await mkdir(path, { recursive: true });
  const storage = await openLocalDisk(path);
  const owner = `worker ${process.pid} on ${hostname()}`;
  const deadline = Date.now() + LOCK_WAIT_MS_MAX;
  for (;;) {
    try {
      return await openRepository({ storage, access: "write", owner, key: await keyOf(named) });
    } catch (thrown) {
      const code = thrown instanceof CodedError ? thrown.code : null;
      // A key file is made together with the repository.
      const isMissing = code === "repository-missing" || (code === "key-missing" && (await isEmpty(storage)));
      if (isMissing && knownIds.length > 0) throw notMounted(path, knownIds, thrown);
      if (isMissing) {
        const key = await firstKeyOf(named);
        const made = await createRepository({ storage, key, reserveBytes: USUAL_RESERVE_BYTES });
        log("info", `Made repository ${made.id} in ${path}${made.isEncrypted ? ", encrypted" : ""}`);
      } else if (code === "repository-locked" && Date.now() < deadline) {
        log("info", "The repository is held by another process; waiting for it to stop");
        await delay(1_000);
      } else throw thrown;
    }
  }
}

async function isEmpty(storage: Storage): Promise<boolean> {
  return (await storage.size("config")) === null;
}

async function keyOf({ keyFile, passphrase }: NamedKey): Promise<RepositoryKey | undefined> {
  if (keyFile !== undefined) return readKeyFile(keyFile);
  return passphrase === undefined ? undefined : { kind: "passphrase", passphrase };
}

/** A key file that is not there yet is made. */
async function firstKeyOf(named: NamedKey): Promise<RepositoryKey | undefined> {
  const { keyFile } = named;
  if (keyFile === undefined || existsSync(keyFile)) return keyOf(named);
  const key = await makeKeyFile(keyFile);
  log("info", `Made key file ${keyFile}: keep a copy of it away from the repository`);
  return key;
}

function notMounted(path: string, knownIds: readonly string[], cause: unknown): CodedError {
  return new CodedError(
    "repository-missing",
    `${path} held the repository ${knownIds.join(", ")} and holds none now.`,
    {
      hint: `Mount its disk, or bring it back from a backup. If it is lost for good, make a new one: sheepfold repo init ${path}`,
      cause,
    },
  );
}
