// What a schedule whose moment has come does: run it, or say that it was missed. Pure: rows and clock come in, the decision goes out.
import type { Schedule } from "#lib/model/schedule.ts";
import { lastRun, nextRun } from "./cron.ts";
import { momentInWords } from "./zone.ts";

export interface Due {
  /** The moment that the run stands for; with its schedule's id it is the run's identity. */
  readonly plannedForMs: number;
  /** What the schedule's row says from now on; null: it never runs again. */
  readonly nextRunAtMs: number | null;
  /** Null: it runs. */
  readonly skippedBecause: string | null;
  /** A remark for a run that stands for several. */
  readonly remark: string | null;
}

/** Later than this a run was missed: ticks and sweeps are late by seconds, a server that was down by more. */
export const MISSED_AFTER_MS = 10 * 60_000;

/** Null: nothing is due. */
export function decideDue(
  schedule: Pick<Schedule, "cron" | "timeZone" | "enabled" | "nextRunAt" | "whenMissed">,
  nowMs: number,
): Due | null {
  if (!schedule.enabled || schedule.nextRunAt === null) return null;
  const firstMs = Date.parse(schedule.nextRunAt);
  if (firstMs > nowMs) return null;
  const lastMs = Math.max(firstMs, lastRun(schedule, nowMs) ?? firstMs);
  const isMissed = nowMs - lastMs > MISSED_AFTER_MS;
  const first = momentInWords(firstMs, schedule.timeZone);
  return {
    plannedForMs: lastMs,
    nextRunAtMs: nextRun(schedule, nowMs),
    skippedBecause:
      isMissed && schedule.whenMissed === "skip"
        ? `Nobody was there to begin it: the server was down or out of reach since ${first}.`
        : null,
    remark:
      isMissed || lastMs > firstMs
        ? `It stands for all that was missed since ${first}, while the server was down or out of reach.`
        : null,
  };
}
