// Cron expressions in a time zone, by the library that BullMQ uses for its own schedulers: row and queue then mean the same
// moments, also in the nights when clocks change. Five fields: a schedule by the second would only make jobs that refuse each other.
import { CronExpressionParser } from "cron-parser";
import { CodedError } from "#lib/model/errors.ts";
import { momentInWords } from "./zone.ts";

export interface Rhythm {
  readonly cron: string;
  /** IANA name. */
  readonly timeZone: string;
}

const CRON_CHARACTERS_MAX = 100;
/** A run takes minutes to hours; more often than this they would only wait for each other. */
const APART_MS_MIN = 5 * 60_000;
/** Enough to see the smallest distance of lists such as "0,1 * * * *". */
const CHECKED_RUNS = 30;

/** Throws `input-invalid` with the parser's words. */
export function checkRhythm(rhythm: Rhythm, nowMs: number): void {
  const { cron } = rhythm;
  if (cron.length > CRON_CHARACTERS_MAX || cron.trim().split(/\s+/).length !== 5) {
    throw cronInvalid(cron, "it has not five fields");
  }
  const runs = nextRuns(rhythm, nowMs, CHECKED_RUNS);
  if (runs.length === 0) throw cronInvalid(cron, "it names no moment that ever comes");
  const tooClose = runs.some((ms, at) => at > 0 && ms - (runs[at - 1] ?? 0) < APART_MS_MIN);
  if (tooClose) throw cronInvalid(cron, "its runs are less than five minutes apart");
}

/** The next planned moments after `afterMs` and before `untilMs`, at most `count`. */
export function nextRuns(
  rhythm: Rhythm,
  afterMs: number,
  count: number,
  untilMs = Number.POSITIVE_INFINITY,
): number[] {
  const runs: number[] = [];
  const expression = parse(rhythm, afterMs);
  while (runs.length < count && expression.hasNext()) {
    const ms = expression.next().toDate().getTime();
    if (ms >= untilMs) break;
    runs.push(ms);
  }
  return runs;
}

export function nextRun(rhythm: Rhythm, afterMs: number): number | null {
  return nextRuns(rhythm, afterMs, 1)[0] ?? null;
}

/** The last planned moment at or before `ms`; null when there is none. */
export function lastRun(rhythm: Rhythm, ms: number): number | null {
  // The library looks strictly before its moment.
  const expression = parse(rhythm, ms + 1);
  return expression.hasPrev() ? expression.prev().toDate().getTime() : null;
}

/** "Sat 28 Nov, 02:00" each, in the schedule's zone. */
export function runsInWords(rhythm: Rhythm, afterMs: number, count: number): string[] {
  return nextRuns(rhythm, afterMs, count).map((ms) => momentInWords(ms, rhythm.timeZone));
}

function parse({ cron, timeZone }: Rhythm, currentMs: number) {
  try {
    return CronExpressionParser.parse(cron, { currentDate: new Date(currentMs), tz: timeZone });
  } catch (cause) {
    throw cronInvalid(cron, cause instanceof Error ? cause.message : String(cause));
  }
}

function cronInvalid(cron: string, why: string): CodedError {
  return new CodedError("input-invalid", `"${cron.slice(0, CRON_CHARACTERS_MAX)}" is no time plan: ${why}.`, {
    hint: "Give minute, hour, day of month, month and day of week, such as 30 2 * * 1-5 for 02:30 from Monday to Friday.",
  });
}
