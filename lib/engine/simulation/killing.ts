// The real thing: a process that archives, prunes, collects garbage and scrubs on a real disk is killed (SIGKILL) at random
// moments. After each death the next process takes over the stale lock, no acknowledged snapshot is lost, verify is
// clean, and everything listed restores byte for byte.
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { Chance } from "#lib/model/chance.ts";
import { createRepository, openRepository } from "../repository.ts";
import { openLocalDisk } from "../storage/local-disk.ts";
import { targetOf } from "./disk.ts";
import { killTestDisk } from "./kill-contents.ts";
import { claim } from "./model-repository.ts";
import { claimSame } from "./world.ts";

const CHILD = fileURLToPath(import.meta.resolve("./kill-child.ts"));
const DELAY_MS_MAX = 60;
const CONTENTS_KEPT = 64;
/** A child that answers nothing for so long hangs, and that is a failure. */
const CHILD_MS_MAX = 120_000;

export interface KillRequest {
  /** Empty; a repository is made in it. */
  readonly folder: string;
  readonly kills: number;
  readonly seed: number;
  readonly onKill?: (count: number) => void;
}

export interface KillReport {
  readonly killCount: number;
  readonly committedCount: number;
  readonly prunedCount: number;
  readonly restoredCount: number;
  /** Deaths during which a commit was under way and left its snapshot, or not, without having been acknowledged. */
  readonly unacknowledgedCount: number;
}

interface Death {
  readonly committed: readonly string[];
  readonly pruning: readonly string[];
}

/** Throws at the first broken promise. */
export async function killAtRandom(request: KillRequest): Promise<KillReport> {
  const compiled = await mkdtemp(join(tmpdir(), "sheepfold-kill-code-"));
  try {
    await run(startChild([], compiled));
    return await killInTurn(request, compiled);
  } finally {
    await rm(compiled, { recursive: true, force: true });
  }
}

/** With a cache of compiled code: a thousand processes start, each to live for a moment. */
function startChild(
  args: readonly string[],
  compiled: string,
): ChildProcessByStdio<null, Readable, Readable> {
  return spawn(process.execPath, [CHILD, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NODE_COMPILE_CACHE: compiled },
  });
}

function run(child: ChildProcessByStdio<null, Readable, Readable>): Promise<void> {
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", () => resolve());
  });
}

async function killInTurn(
  { folder, kills, seed, onKill }: KillRequest,
  compiled: string,
): Promise<KillReport> {
  const chance = new Chance(seed);
  await createRepository({ storage: await openLocalDisk(folder), blockSize: 4096, reserveBytes: 65_536 });
  /** Must be there. */
  const sure = new Set<string>();
  const counts = { committedCount: 0, prunedCount: 0, restoredCount: 0, unacknowledgedCount: 0 };
  for (let kill = 1; kill <= kills; kill++) {
    const moment = { deed: chance.between(0, 4), delayMs: chance.between(0, DELAY_MS_MAX) };
    const death = await killAt(moment, startChild([folder, String(seed * 1_000_000 + kill * 100)], compiled));
    for (const id of death.committed) sure.add(id);
    // A prune that was under way may have removed them or not.
    for (const id of death.pruning) sure.delete(id);
    const where = `seed ${seed}, kill ${kill} at ${JSON.stringify(moment)}`;
    const listed = await checkWhole(folder, sure, where);
    counts.committedCount += death.committed.length;
    counts.restoredCount += listed.length;
    counts.prunedCount += death.pruning.filter((id) => !listed.includes(id)).length;
    for (const id of listed) {
      if (!sure.has(id) && !death.pruning.includes(id)) counts.unacknowledgedCount += 1;
      sure.add(id);
    }
    onKill?.(kill);
  }
  return { killCount: kills, ...counts };
}

interface Moment {
  /** After so many deeds of the process have begun; 0: while it opens the repository. */
  readonly deed: number;
  readonly delayMs: number;
}

/** Kills the working process at the given moment, and answers what it had told until then. */
function killAt(moment: Moment, child: ChildProcessByStdio<null, Readable, Readable>): Promise<Death> {
  return new Promise((resolve, reject) => {
    const hang = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error(`The working process did nothing for ${CHILD_MS_MAX} ms`));
    }, CHILD_MS_MAX);
    let output = "";
    let errors = "";
    let armed = false;
    const armWhenDue = () => {
      const deeds = output.match(/^working$/gm)?.length ?? 0;
      if (armed || deeds < moment.deed) return;
      armed = true;
      // Opening takes a process about as long as its start: spread the moments over both.
      setTimeout(() => child.kill("SIGKILL"), moment.deed === 0 ? 6 * moment.delayMs : moment.delayMs);
    };
    armWhenDue();
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      armWhenDue();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      errors += chunk.toString();
    });
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(hang);
      if (signal === "SIGKILL") resolve(deathFrom(output));
      else reject(new Error(`The working process ended by itself (${code}): ${errors}`));
    });
  });
}

function deathFrom(output: string): Death {
  const told = (word: string) => {
    const lines = output.split("\n").slice(0, -1); // The last one may be cut off.
    return lines.filter((line) => line.startsWith(`${word} `)).flatMap((line) => line.split(" ").slice(1));
  };
  return { committed: told("committed"), pruning: told("pruning").filter((id) => id !== "") };
}

const contents = new Map<number, Uint8Array>();

function contentOf(seed: number): Uint8Array {
  const known = contents.get(seed) ?? killTestDisk(seed);
  contents.delete(seed);
  contents.set(seed, known);
  for (const oldest of contents.keys()) {
    if (contents.size <= CONTENTS_KEPT) break;
    contents.delete(oldest);
  }
  return known;
}

/** Answers the ids of what is listed. */
async function checkWhole(folder: string, sure: ReadonlySet<string>, where: string): Promise<string[]> {
  const storage = await openLocalDisk(folder);
  const repository = await openRepository({ storage, access: "write", threads: 0, owner: "kill test" });
  try {
    const listed = repository.snapshots();
    const ids = listed.map(({ id }) => id);
    for (const id of sure) claim(ids.includes(id), `${where}: committed snapshot ${id} is lost`);
    const { findings } = await repository.verify();
    claim(findings.length === 0, `${where}: verify finds ${JSON.stringify(findings)}`);
    for (const record of listed) {
      const bytes = contentOf(Number(record.comment));
      const target = { ...targetOf(new Uint8Array(bytes.length)), isBlank: true };
      await repository.restore(record.id, "sda1", target);
      claimSame(target.bytes, bytes, `${where}: ${record.id}`);
    }
    return ids;
  } finally {
    await repository.close();
    await storage.close();
  }
}
