// A long-running child of ours: started with its output in a log file, found ready by a line it prints, stopped politely first
// and firmly after. All children are known here, so that one call stops whatever is left.
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { CodedError } from "#lib/model/errors.ts";

export interface ChildOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly logFile: string;
  /** The child is ready once a line of its output matches. */
  readonly readyWhen?: RegExp;
  readonly readyMsMax?: number;
  /** A gentler or different first signal than SIGTERM (Postgres wants SIGINT for a fast shutdown). */
  readonly stopSignal?: NodeJS.Signals;
  readonly stopMsMax?: number;
  readonly uid?: number;
}

export interface Child {
  readonly name: string;
  readonly pid: number;
  /** Lines printed so far, the newest last, at most 200: for messages when something goes wrong. */
  readonly recentLines: readonly string[];
  /** Resolves with the first line, printed before or after the call, that matches. */
  waitForLine(pattern: RegExp, msMax: number): Promise<string>;
  kill(signal: NodeJS.Signals): void;
  stop(): Promise<void>;
  readonly exited: Promise<number | null>;
}

const RECENT_LINES_MAX = 200;
const running = new Set<Child>();

export async function startChild(options: ChildOptions): Promise<Child> {
  mkdirSync(dirname(options.logFile), { recursive: true });
  const log = createWriteStream(options.logFile, { flags: "a" });
  const spawned = spawn(options.command, options.args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    // A group of its own: Ctrl-C reaches only us, and we stop the children in the right order.
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    uid: options.uid,
  });
  const child = follow(options, spawned, (line) => log.write(`${line}\n`));
  running.add(child);
  void child.exited.then(() => {
    running.delete(child);
    log.end();
  });
  if (options.readyWhen !== undefined) {
    try {
      await child.waitForLine(options.readyWhen, options.readyMsMax ?? 60_000);
    } catch (cause) {
      await child.stop();
      throw cause;
    }
  }
  return child;
}

/** Stops everything still running, the last started first. */
export async function stopAllChildren(): Promise<void> {
  for (const child of [...running].reverse()) await child.stop();
}

interface Waiter {
  readonly pattern: RegExp;
  readonly resolve: (line: string) => void;
  readonly reject: (cause: unknown) => void;
}

function follow(options: ChildOptions, spawned: ChildProcess, writeLog: (line: string) => void): Child {
  const recentLines: string[] = [];
  const waiters = new Set<Waiter>();
  const onLine = (line: string) => {
    writeLog(line);
    recentLines.push(line);
    if (recentLines.length > RECENT_LINES_MAX) recentLines.shift();
    for (const waiter of waiters) if (waiter.pattern.test(line)) waiter.resolve(line);
  };
  for (const stream of [spawned.stdout, spawned.stderr]) {
    if (stream !== null) createInterface({ input: stream }).on("line", onLine);
  }
  let ended = false;
  const exited = new Promise<number | null>((resolve) => {
    const end = (code: number | null, why: string) => {
      ended = true;
      for (const waiter of waiters) waiter.reject(startFailure(options, why, recentLines));
      resolve(code);
    };
    spawned.on("error", (cause) => end(null, cause.message));
    spawned.on("close", (code, signal) => end(code, `it ended with ${signal ?? `code ${code}`}`));
  });
  const kill = (signal: NodeJS.Signals) => {
    if (ended || spawned.pid === undefined) return;
    try {
      process.kill(-spawned.pid, signal);
    } catch {
      // The group is gone already: what we wanted.
    }
  };
  return {
    name: options.name,
    pid: spawned.pid ?? -1,
    recentLines,
    exited,
    kill,
    waitForLine: (pattern, msMax) => {
      const seen = recentLines.find((line) => pattern.test(line));
      if (seen !== undefined) return Promise.resolve(seen);
      if (ended) return Promise.reject(startFailure(options, "it has ended", recentLines));
      return new Promise((resolve, reject) => {
        const settle = (act: () => void) => {
          clearTimeout(timer);
          waiters.delete(waiter);
          act();
        };
        const waiter: Waiter = {
          pattern,
          resolve: (line) => settle(() => resolve(line)),
          reject: (cause) => settle(() => reject(cause)),
        };
        const timer = setTimeout(
          () =>
            waiter.reject(startFailure(options, `nothing like ${pattern} within ${msMax} ms`, recentLines)),
          msMax,
        );
        waiters.add(waiter);
      });
    },
    stop: async () => {
      if (ended) return;
      kill(options.stopSignal ?? "SIGTERM");
      const timer = setTimeout(() => kill("SIGKILL"), options.stopMsMax ?? 10_000);
      await exited;
      clearTimeout(timer);
    },
  };
}

function startFailure(options: ChildOptions, why: string, lines: readonly string[]): CodedError {
  const tail = lines.slice(-12).join("\n    ");
  return new CodedError("internal", `${options.name} did not start: ${why}.\n    ${tail}`, {
    hint: `Read ${options.logFile}.`,
  });
}
