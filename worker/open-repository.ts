// The worker's repository: made at an installation's first start, opened for writing, waited for when another worker still holds
// it. Never made in place of one that was there: a folder that is suddenly empty is a disk that is not mounted.
import { mkdir } from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import {
  createRepository,
  openLocalDisk,
  openRepository,
  type Repository,
  USUAL_RESERVE_BYTES,
} from "#lib/engine/repository.ts";
import { CodedError } from "#lib/model/errors.ts";
import { log } from "./log.ts";

/** A worker being replaced has ten seconds to stop. */
const LOCK_WAIT_MS_MAX = 30_000;

/** `knownIds`: repositories the database has seen in this folder. */
export async function openWorkersRepository(path: string, knownIds: readonly string[]): Promise<Repository> {
  await mkdir(path, { recursive: true });
  const storage = await openLocalDisk(path);
  const owner = `worker ${process.pid} on ${hostname()}`;
  const deadline = Date.now() + LOCK_WAIT_MS_MAX;
  for (;;) {
    try {
      return await openRepository({ storage, access: "write", owner });
    } catch (thrown) {
      const code = thrown instanceof CodedError ? thrown.code : null;
      if (code === "repository-missing" && knownIds.length > 0) throw notMounted(path, knownIds, thrown);
      if (code === "repository-missing") {
        const made = await createRepository({ storage, reserveBytes: USUAL_RESERVE_BYTES });
        log("info", `Made repository ${made.id} in ${path}`);
      } else if (code === "repository-locked" && Date.now() < deadline) {
        log("info", "The repository is held by another process; waiting for it to stop");
        await delay(1_000);
      } else throw thrown;
    }
  }
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
