// The worker's repository: made when the folder has none, opened for writing, waited for when another worker still holds it.
import { mkdir } from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { createRepository, openLocalDisk, openRepository, type Repository } from "#lib/engine/repository.ts";
import { CodedError } from "#lib/model/errors.ts";
import { log } from "./log.ts";

/** A worker being replaced has ten seconds to stop. */
const LOCK_WAIT_MS_MAX = 30_000;

export async function openWorkersRepository(path: string): Promise<Repository> {
  await mkdir(path, { recursive: true });
  const storage = await openLocalDisk(path);
  const owner = `worker ${process.pid} on ${hostname()}`;
  const deadline = Date.now() + LOCK_WAIT_MS_MAX;
  for (;;) {
    try {
      return await openRepository({ storage, access: "write", owner });
    } catch (thrown) {
      const code = thrown instanceof CodedError ? thrown.code : null;
      if (code === "repository-missing") {
        const made = await createRepository({ storage });
        log("info", `Made repository ${made.id} in ${path}`);
      } else if (code === "repository-locked" && Date.now() < deadline) {
        log("info", "The repository is held by another process; waiting for it to stop");
        await delay(1_000);
      } else throw thrown;
    }
  }
}
