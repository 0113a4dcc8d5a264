// runMeasured runs one command and says what it cost: wall time, CPU of it and all its children, the memory of its
// largest process, and how busy the rest of the machine was meanwhile (a measurement beside others is worth less).
//
// CPU and memory come from GNU time (Debian package "time"); without it they are missing, not guessed.
import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { cpus } from "node:os";
import { setTimeout } from "node:timers/promises";

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** File to feed to the command. */
  readonly stdin?: string;
}

export interface Measured {
  readonly seconds: number;
  readonly cpuSeconds: number | null;
  readonly peakBytes: number | null;
  /** Share of all cores that others used during the run. */
  readonly othersShare: number;
  readonly stdout: string;
}

const GNU_TIME = "/usr/bin/time";
/** Linux counts CPU in hundredths of a second, whatever the kernel's own tick. */
const TICKS_PER_SECOND = 100;
const STDERR_CHARACTERS = 4000;
/** Others using more of the machine than this during a run makes its time doubtful. */
export const NOISY_SHARE = 0.1;
const QUIET_SAMPLE_MS = 500;

export const hasGnuTime = existsSync(GNU_TIME);

export async function runMeasured(command: Command, scratch: string): Promise<Measured> {
  const report = `${scratch}/time.txt`;
  const argv = hasGnuTime
    ? [GNU_TIME, "-q", "-f", "%U %S %M", "-o", report, command.program, ...command.args]
    : [command.program, ...command.args];
  const busyBefore = await busyTicks();
  const startedMs = performance.now();
  const stdout = await runToEnd(argv, command);
  const seconds = (performance.now() - startedMs) / 1000;
  const busySeconds = ((await busyTicks()) - busyBefore) / TICKS_PER_SECOND;
  if (!hasGnuTime) return { seconds, cpuSeconds: null, peakBytes: null, othersShare: 0, stdout };
  const [user = 0, system = 0, peakKib = 0] = (await readFile(report, "utf8")).trim().split(" ").map(Number);
  await rm(report);
  const others = Math.max(0, busySeconds - user - system) / (seconds * cpus().length);
  return { seconds, cpuSeconds: user + system, peakBytes: peakKib * 1024, othersShare: others, stdout };
}

/** Waits until others leave the machine alone, as long as `patience` lasts; then measures all the same. */
export async function waitForQuiet(patience: { leftMs: number }): Promise<void> {
  while (patience.leftMs > 0) {
    const startedMs = performance.now();
    const busyBefore = await busyTicks();
    await setTimeout(QUIET_SAMPLE_MS);
    const elapsedMs = performance.now() - startedMs;
    const busySeconds = ((await busyTicks()) - busyBefore) / TICKS_PER_SECOND;
    if ((1000 * busySeconds) / (elapsedMs * cpus().length) < NOISY_SHARE) return;
    patience.leftMs -= elapsedMs;
  }
}

function runToEnd(argv: readonly string[], command: Command): Promise<string> {
  const [program = "", ...args] = argv;
  const input = command.stdin === undefined ? null : openSync(command.stdin, "r");
  const child = spawn(program, args, {
    cwd: command.cwd,
    env: { ...process.env, ...command.env },
    stdio: [input ?? "ignore", "pipe", "pipe"],
  });
  if (input !== null) closeSync(input);
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-STDERR_CHARACTERS);
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (code === 0) resolve(stdout);
      else
        reject(
          new Error(`${command.program} ${command.args.join(" ")} ended with ${signal ?? code}: ${stderr}`),
        );
    });
  });
}

/** Ticks all cores spent on anything (user, nice, system, irq, softirq), since boot. Stolen time counts as busy. */
async function busyTicks(): Promise<number> {
  const [line = ""] = (await readFile("/proc/stat", "utf8")).split("\n");
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return user + nice + system + irq + softirq + steal;
}
