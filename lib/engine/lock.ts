// RepositoryLock: one writing process per repository. Who holds it is written in the file `lock`.
//
// A process that died leaves its lock behind; it is taken over when it was made on this host and its process
// is gone: another boot, no such process, or another process that got the same number later. A lock of another host is
// never judged from here. Before every commit the file is read again: a writer whose lock was taken stops
// there. No clock decides anything.
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import type { Random } from "#lib/model/clock.ts";
import { CodedError } from "#lib/model/errors.ts";
import { hexOf } from "./format/bytes.ts";
import type { Storage } from "./storage/storage.ts";

export const LOCK_FILE = "lock";
const LOCK_BYTES_MAX = 4096;
const ATTEMPTS_MAX = 5;

interface Holder {
  readonly token: string;
  readonly owner: string;
  readonly hostname: string;
  readonly bootId: string;
  readonly pid: number;
  /** Of the process, in clock ticks since boot. Empty where the system does not tell. */
  readonly startTime: string;
}

/** Tokens held by this process: its own earlier locks look alive to every other test. */
const heldHere = new Set<string>();

export class RepositoryLock {
  readonly #storage: Storage;
  readonly #token: string;

  private constructor(storage: Storage, token: string) {
    this.#storage = storage;
    this.#token = token;
  }

  /** CodedError "repository-locked" naming the holder when somebody alive, or unknown, has it. */
  static async acquire(storage: Storage, random: Random, owner: string | undefined): Promise<RepositoryLock> {
    const me = await describeMe(hexOf(random.bytes(16)), owner);
    const bytes = Buffer.from(`${JSON.stringify(me)}\n`, "utf8");
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      heldHere.add(me.token);
      if (await createOrForget(storage, bytes, me.token)) return new RepositoryLock(storage, me.token);
      const found = await storage.readFile(LOCK_FILE);
      if (found === null) continue; // Released in between: try again.
      const holder = parseHolder(found);
      if (holder !== null && !(await isStale(holder, me))) throw locked(storage, holder);
      // An unreadable lock may be one that is being written this moment: look again before judging.
      if (holder === null && attempt < ATTEMPTS_MAX - 2) await pause(10);
      else await removeIfUnchanged(storage, found);
    }
    throw new CodedError("repository-locked", `The lock of ${storage.description} keeps changing hands.`, {
      hint: "Several programs try to write to it; stop all but one and try again.",
      retry: "later",
    });
  }

  /** CodedError "repository-lock-lost" unless the file still names us. */
  async assertHeld(): Promise<void> {
    const found = await this.#storage.readFile(LOCK_FILE);
    const holder = found === null ? null : parseHolder(found);
    if (holder?.token === this.#token) return;
    const now = holder === null ? "is gone" : `is held by ${nameOf(holder)}`;
    throw new CodedError(
      "repository-lock-lost",
      `The lock of ${this.#storage.description} ${now}. Nothing was committed.`,
      {
        hint: "Find out which other program writes to this repository, then archive again.",
      },
    );
  }

  /** Whatever the storage says, this process does not hold it afterwards. */
  async release(): Promise<void> {
    try {
      const found = await this.#storage.readFile(LOCK_FILE);
      if (found !== null && parseHolder(found)?.token === this.#token) await this.#storage.remove(LOCK_FILE);
    } finally {
      heldHere.delete(this.#token);
    }
  }
}

async function createOrForget(storage: Storage, bytes: Uint8Array, token: string): Promise<boolean> {
  let created = false;
  try {
    created = await storage.createExclusive(LOCK_FILE, bytes);
  } finally {
    if (!created) heldHere.delete(token);
  }
  return created;
}

/** Two programs may find the same stale lock: only the one that still sees it removes it, and whoever loses the
 *  race between look and removal notices before its first commit. */
async function removeIfUnchanged(storage: Storage, seen: Uint8Array): Promise<void> {
  const now = await storage.readFile(LOCK_FILE);
  if (now !== null && Buffer.compare(now, seen) === 0) await storage.remove(LOCK_FILE);
}

async function isStale(holder: Holder, me: Holder): Promise<boolean> {
  if (heldHere.has(holder.token)) return false;
  if (holder.hostname !== me.hostname) return false;
  if (holder.bootId !== me.bootId) return true;
  if (holder.pid === me.pid) return true; // Ours, but not held: left by a repository that was never closed.
  const startTime = await startTimeOf(holder.pid);
  return startTime === null || startTime !== holder.startTime;
}

function locked(storage: Storage, holder: Holder): CodedError {
  return new CodedError(
    "repository-locked",
    `${storage.description} is being written to by ${nameOf(holder)}.`,
    {
      hint: `Wait until it has finished or stop it. If ${holder.hostname} is gone for good, delete the file "lock" in the repository.`,
      retry: "later",
      facts: { owner: holder.owner, hostname: holder.hostname, pid: holder.pid },
    },
  );
}

function nameOf(holder: Holder): string {
  return `${holder.owner} (process ${holder.pid} on ${holder.hostname})`;
}

async function describeMe(token: string, owner: string | undefined): Promise<Holder> {
  return {
    token,
    owner: owner ?? "sheepfold",
    hostname: hostname(),
    bootId: await bootId(),
    pid: process.pid,
    startTime: (await startTimeOf(process.pid)) ?? "",
  };
}

async function bootId(): Promise<string> {
  return (await textOf("/proc/sys/kernel/random/boot_id"))?.trim() ?? "";
}

/** Field 22 of /proc/<pid>/stat; null when there is no such process. */
async function startTimeOf(pid: number): Promise<string | null> {
  const stat = await textOf(`/proc/${pid}/stat`);
  if (stat === null) return isAlive(pid) ? "" : null;
  // The program's name, in parentheses, may contain anything: fields are counted from the last parenthesis.
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

async function textOf(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return null; // No such process, or a system without /proc: the caller has another way to tell.
  }
}

function parseHolder(bytes: Uint8Array): Holder | null {
  try {
    if (bytes.length > LOCK_BYTES_MAX) return null;
    const value: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    return isHolder(value) ? value : null;
  } catch {
    return null; // A torn or foreign file names nobody; acquire decides what that means.
  }
}

function isHolder(value: unknown): value is Holder {
  if (typeof value !== "object" || value === null) return false;
  const fields = value as Record<string, unknown>;
  const texts = [fields.token, fields.owner, fields.hostname, fields.bootId, fields.startTime];
  return texts.every((text) => typeof text === "string") && Number.isSafeInteger(fields.pid);
}
