// The real thing: a process archiving into a folder on a real disk is killed (SIGKILL) at random moments. After
// each death the next process takes over the stale lock, finds everything whole, and goes on.
import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { createRepository, openRepository } from "./repository.ts";
import { targetOf } from "./simulation/disk.ts";
import { killTestDisk } from "./simulation/kill-contents.ts";
import { openLocalDisk } from "./storage/local-disk.ts";

const ROUNDS = 20;
const CHILD = fileURLToPath(import.meta.resolve("./simulation/kill-child.ts"));

test(`LOCK-2, COMMIT-1: ${ROUNDS} kills at random moments lose no acknowledged snapshot and leave nothing broken`, async () => {
  const folder = await mkdtemp(join(tmpdir(), "sheepfold-kill-"));
  try {
    await createRepository({ storage: await openLocalDisk(folder), blockSize: 4096 });
    const acknowledged: string[] = [];
    for (let round = 1; round <= ROUNDS; round++) {
      const moment = { archive: randomInt(1, 5), delayMs: randomInt(0, 120) };
      acknowledged.push(...(await killAt(folder, round * 1000, moment)));
      await expectWhole(folder, acknowledged, `round ${round}, killed at ${JSON.stringify(moment)}`);
    }
    expect(acknowledged.length).toBeGreaterThan(0);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 300_000);

interface Moment {
  /** In the how many-th archive of the process, from 1. */
  readonly archive: number;
  readonly delayMs: number;
}

/** Starts the archiving process, kills it at the given moment, and answers what it had committed. */
function killAt(folder: string, firstSeed: number, moment: Moment): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CHILD, folder, String(firstSeed)], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    let errors = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      const archives = output.match(/^archiving$/gm)?.length ?? 0;
      if (archives >= moment.archive) setTimeout(() => child.kill("SIGKILL"), moment.delayMs);
    });
    child.stderr.on("data", (chunk: Buffer) => {
      errors += chunk.toString();
    });
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (signal === "SIGKILL")
        resolve([...output.matchAll(/^committed (\S+)$/gm)].map((match) => String(match[1])));
      else reject(new Error(`The archiving process ended by itself (${code}): ${errors}`));
    });
  });
}

async function expectWhole(folder: string, acknowledged: readonly string[], where: string): Promise<void> {
  const storage = await openLocalDisk(folder);
  const repository = await openRepository({
    storage,
    access: "write",
    threads: 1,
    owner: "kill test",
  });
  try {
    const listed = repository.snapshots();
    expect(
      listed.map((record) => record.id),
      where,
    ).toEqual(expect.arrayContaining([...acknowledged]));
    expect((await repository.verify()).findings, where).toEqual([]);
    // Older snapshots were restored after earlier rounds and are verified above by their page hashes.
    for (const record of listed.slice(-6)) {
      const bytes = killTestDisk(Number(record.comment));
      const target = targetOf(new Uint8Array(bytes.length));
      await repository.restore(record.id, "sda1", target);
      expect(Buffer.compare(target.bytes, bytes), `${where}: ${record.id}`).toBe(0);
    }
  } finally {
    await repository.close();
    await storage.close();
  }
}
