// What a night was, in the few lines somebody reads on a phone before school: what went wrong first, then what ran. Pure: facts in, words out.
import type { FailureCode } from "#lib/model/errors.ts";
import { JOB_STATES, type JobState } from "#lib/model/job.ts";
import type { RunState } from "#lib/model/schedule.ts";
import { formatBytes } from "#lib/model/units.ts";
import { totalOf, type WaveResult } from "#lib/model/wave-result.ts";
import { dayName, momentInWords, momentOf, wallClockOf } from "./zone.ts";

/** PCs that share one cause. */
export interface DigestCause {
  readonly code: FailureCode;
  readonly message: string;
  readonly pcNames: readonly string[];
}

export interface DigestRun {
  readonly scheduleName: string;
  readonly plannedForMs: number;
  readonly state: RunState;
  readonly reason: string | null;
  readonly beganAtMs: number | null;
  readonly finishedAtMs: number | null;
  /** Of PCs; all zero for a run on the store. */
  readonly result: WaveResult;
  /** PCs whose turn never came. */
  readonly untouched: number;
  readonly failed: readonly DigestCause[];
  readonly notTried: readonly DigestCause[];
}

export interface DigestFacts {
  readonly fromMs: number;
  readonly toMs: number;
  readonly timeZone: string;
  readonly runs: readonly DigestRun[];
  /** Jobs that people started. */
  readonly otherJobs: readonly { readonly title: string; readonly state: JobState }[];
  readonly storage: readonly {
    readonly name: string;
    /** Null: not measured then. */
    readonly beforeBytes: number | null;
    readonly afterBytes: number | null;
  }[];
}

const NAMES_MAX = 8;
const CAUSES_MAX = 12;

export function digestTitle({ runs }: DigestFacts): string {
  const bad = runs.filter(({ state }) => state !== "succeeded");
  if (runs.length === 0) return "Sheepfold: nothing was planned";
  if (bad.length === 0) return `Sheepfold: all ${runs.length} runs succeeded`;
  return `Sheepfold: ${bad.length} of ${runs.length} runs did not succeed`;
}

export function digestText(facts: DigestFacts): string {
  const { runs } = facts;
  const didRun = runs.filter(({ beganAtMs }) => beganAtMs !== null);
  const didNot = runs.filter(({ beganAtMs }) => beganAtMs === null);
  const sections = [
    [digestSummary(facts)],
    section(
      "Did not run",
      didNot.map((run) => notRunLines(run, facts)),
    ),
    section(
      "Ran",
      [...didRun].sort(worstFirst).map((run) => runLines(run, facts)),
    ),
    section("Started by people", [otherLines(facts)]),
    section("Storage", [storageLines(facts)]),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

/** "Sat 28 Nov, 07:00: 217 of 220 PCs succeeded, 3 failed. 4 of 5 runs succeeded." */
export function digestSummary({ runs, fromMs, toMs, timeZone }: DigestFacts): string {
  const since = `From ${momentInWords(fromMs, timeZone)} to ${momentInWords(toMs, timeZone)} (${timeZone})`;
  if (runs.length === 0) return `${since}: nothing was planned.`;
  const { succeeded, failed } = totalOf(runs.map(({ result }) => result));
  const tried = succeeded + failed;
  const pcs = tried === 0 ? "" : `${succeeded} of ${tried} PCs succeeded, ${failed} failed. `;
  const good = runs.filter(({ state }) => state === "succeeded").length;
  return `${since}: ${pcs}${good} of ${runs.length} runs succeeded.`;
}

function section(title: string, blocks: readonly (readonly string[])[]): string[] {
  const lines = blocks.flat();
  return lines.length === 0 ? [] : [`${title}:`, ...lines];
}

function notRunLines(run: DigestRun, { timeZone }: DigestFacts): string[] {
  const planned = `planned ${momentInWords(run.plannedForMs, timeZone)}`;
  const still = run.state === "waiting" ? "still waits" : run.state;
  return [`- ${run.scheduleName}, ${planned}: ${still}. ${run.reason ?? ""}`.trimEnd()];
}

function runLines(run: DigestRun, { timeZone }: DigestFacts): string[] {
  const { succeeded, failed, skipped, cancelled } = run.result;
  const figures = [
    succeeded + failed > 0 ? `${succeeded} of ${succeeded + failed} PCs succeeded` : null,
    skipped > 0 ? `${skipped} not tried` : null,
    cancelled > 0 ? `${cancelled} stopped` : null,
    run.untouched > 0 ? `${run.untouched} not begun` : null,
  ].filter((words) => words !== null);
  const when = spanInWords(run, timeZone);
  const head = [run.state === "running" ? "still runs" : run.state, ...figures].join(", ");
  return [
    `- ${run.scheduleName}, ${when}: ${head}.${run.reason === null ? "" : ` ${run.reason}`}`,
    ...run.failed.slice(0, CAUSES_MAX).map((cause) => `    failed: ${causeInWords(cause)}`),
    ...run.notTried.slice(0, CAUSES_MAX).map((cause) => `    not tried: ${causeInWords(cause)}`),
  ];
}

function spanInWords({ beganAtMs, finishedAtMs, plannedForMs }: DigestRun, timeZone: string): string {
  const from = momentInWords(beganAtMs ?? plannedForMs, timeZone);
  if (finishedAtMs === null) return from;
  const isSameDay =
    dayName(wallClockOf(finishedAtMs, timeZone)) ===
    dayName(wallClockOf(beganAtMs ?? plannedForMs, timeZone));
  const until = momentInWords(finishedAtMs, timeZone);
  return `${from}–${isSameDay ? until.slice(-5) : until}`;
}

function causeInWords({ code, message, pcNames }: DigestCause): string {
  const named = pcNames.slice(0, NAMES_MAX).join(", ");
  const more = pcNames.length > NAMES_MAX ? ` and ${pcNames.length - NAMES_MAX} more` : "";
  return `${pcNames.length} × ${code} (${named}${more}): ${message}`;
}

const BADNESS: Readonly<Record<RunState, number>> = {
  failed: 0,
  cancelled: 1,
  partial: 2,
  running: 3,
  waiting: 3,
  skipped: 3,
  succeeded: 4,
};

function worstFirst(left: DigestRun, right: DigestRun): number {
  return BADNESS[left.state] - BADNESS[right.state] || left.plannedForMs - right.plannedForMs;
}

function otherLines({ otherJobs }: DigestFacts): string[] {
  if (otherJobs.length === 0) return [];
  const counts = JOB_STATES.flatMap((state) => {
    const count = otherJobs.filter((job) => job.state === state).length;
    return count === 0 ? [] : [`${count} ${state}`];
  });
  const bad = otherJobs.filter(({ state }) => state === "failed" || state === "partial").slice(0, NAMES_MAX);
  return [`- ${counts.join(", ")}`, ...bad.map(({ title, state }) => `    ${state}: ${title}`)];
}

function storageLines({ storage }: DigestFacts): string[] {
  return storage.flatMap(({ name, beforeBytes, afterBytes }) => {
    if (afterBytes === null) return [];
    if (beforeBytes === null) return [`- ${name}: ${formatBytes(afterBytes)}`];
    const change = afterBytes - beforeBytes;
    const words =
      change === 0
        ? "unchanged at"
        : `${change > 0 ? "grew" : "shrank"} by ${formatBytes(Math.abs(change))} to`;
    return [`- ${name} ${words} ${formatBytes(afterBytes)}`];
  });
}

/** Tasks' failures by what they say, most PCs first. */
export function causesOf(
  pcs: readonly { readonly name: string; readonly code: FailureCode; readonly message: string }[],
): DigestCause[] {
  // Messages name the PC; without its name those of one cause are the same.
  const groups = Map.groupBy(pcs, ({ name, code, message }) => `${code} ${message.replaceAll(name, "…")}`);
  return [...groups.values()]
    .map((mine) => ({
      code: mine[0]?.code ?? "internal",
      message:
        mine.length === 1
          ? (mine[0]?.message ?? "")
          : (mine[0]?.message ?? "").replaceAll(mine[0]?.name ?? "", "…"),
      pcNames: [...new Set(mine.map(({ name }) => name))].sort((left, right) =>
        left.localeCompare(right, "en", { numeric: true }),
      ),
    }))
    .sort((left, right) => right.pcNames.length - left.pcNames.length);
}

/** The moment of that day's digest, if it has come: its day and when. */
export function digestDue(
  time: { readonly atMinute: number; readonly timeZone: string; readonly sinceMs: number },
  lastDay: string | null,
  nowMs: number,
): string | null {
  const clock = wallClockOf(nowMs, time.timeZone);
  const day = dayName(clock);
  const atMs = momentOf(clock, time.atMinute, time.timeZone);
  if (nowMs < atMs || atMs <= time.sinceMs) return null;
  return lastDay === null || day > lastDay ? day : null;
}
