// The coming nights as a list: from noon to noon, what is open, what is blacked out, what is planned, and when that should be done. Pure.
import type { Blackout, MaintenanceWindow } from "#lib/model/calendar.ts";
import type { Schedule } from "#lib/model/schedule.ts";
import { nextRuns } from "./cron.ts";
import { type Forecast, fitForecast } from "./forecast.ts";
import { gateAt, type OpeningRules, openSpans, type Span } from "./windows.ts";
import { type Day, dayName, momentOf, plusDays, wallClockOf } from "./zone.ts";

export interface NightSchedule {
  readonly schedule: Pick<Schedule, "id" | "name" | "kind" | "cron" | "timeZone" | "enabled" | "whenClosed">;
  /** Of each classroom it touches. */
  readonly rules: readonly OpeningRules[];
  readonly forecast: Forecast | null;
}

export interface PlannedRun {
  readonly scheduleId: string;
  readonly scheduleName: string;
  readonly plannedForMs: number;
  /** Null: it will not begin. */
  readonly beginsAtMs: number | null;
  /** Why it begins later, or not. */
  readonly because: string | null;
  /** Null: nothing is known of how long it takes. */
  readonly endsAtMs: number | null;
  readonly overrunSeconds: number;
}

export interface OpenPlace {
  readonly name: string;
  readonly spans: readonly Span[];
}

export interface Night {
  /** The day whose morning it leads to. */
  readonly day: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** Windows by place; empty when there are none. */
  readonly open: readonly OpenPlace[];
  readonly blackouts: readonly Blackout[];
  readonly runs: readonly PlannedRun[];
  /** Planned moments beyond what is listed. */
  readonly more: number;
}

export interface NightPlace {
  readonly name: string;
  readonly windows: readonly MaintenanceWindow[];
}

const NOON_MINUTE = 12 * 60;
/** A schedule by the hour must not push all others from the screen. */
const RUNS_OF_SCHEDULE_MAX = 4;
/** A run that does not begin within these days is shown as not beginning. */
const LOOK_AHEAD_DAYS = 8;

export function planNights(
  facts: {
    readonly schedules: readonly NightSchedule[];
    readonly places: readonly NightPlace[];
    readonly blackouts: readonly Blackout[];
    readonly timeZone: string;
  },
  nowMs: number,
  nightCount: number,
): Night[] {
  const today = wallClockOf(nowMs, facts.timeZone);
  // In the morning the night that is ending still counts.
  const first = today.minute < NOON_MINUTE ? plusDays(today, -1) : today;
  return Array.from({ length: nightCount }, (_, index) => nightOf(facts, plusDays(first, index), nowMs));
}

function nightOf(facts: Parameters<typeof planNights>[0], evening: Day, nowMs: number): Night {
  const fromMs = momentOf(evening, NOON_MINUTE, facts.timeZone);
  const morning = plusDays(evening, 1);
  const toMs = momentOf(morning, NOON_MINUTE, facts.timeZone);
  const planned = facts.schedules.map((one) => runsOf(one, Math.max(fromMs, nowMs), toMs));
  return {
    day: dayName(morning),
    fromMs,
    toMs,
    open: facts.places
      .map(({ name, windows }) => ({ name, spans: openSpans({ windows, blackouts: [] }, fromMs, toMs) }))
      .filter(({ spans }) => spans.length > 0),
    blackouts: facts.blackouts.filter((each) => Date.parse(each.from) < toMs && Date.parse(each.to) > fromMs),
    runs: planned.flatMap(({ runs }) => runs).sort((left, right) => left.plannedForMs - right.plannedForMs),
    more: planned.reduce((sum, { more }) => sum + more, 0),
  };
}

function runsOf(one: NightSchedule, fromMs: number, toMs: number): { runs: PlannedRun[]; more: number } {
  if (!one.schedule.enabled || fromMs >= toMs) return { runs: [], more: 0 };
  // A moment may be the span's first; the library looks strictly after. No schedule has more than 288 moments a day.
  const moments = nextRuns(one.schedule, fromMs - 1, 300, toMs);
  return {
    runs: moments.slice(0, RUNS_OF_SCHEDULE_MAX).map((ms) => plannedRun(one, ms)),
    more: Math.max(0, moments.length - RUNS_OF_SCHEDULE_MAX),
  };
}

function plannedRun({ schedule, rules, forecast }: NightSchedule, plannedForMs: number): PlannedRun {
  const gate = gateAt(rules, plannedForMs, LOOK_AHEAD_DAYS);
  const known = { scheduleId: schedule.id, scheduleName: schedule.name, plannedForMs };
  const nextMs = nextRuns(schedule, plannedForMs, 1)[0] ?? Number.POSITIVE_INFINITY;
  if (!gate.open) {
    const waits = schedule.whenClosed === "wait" && gate.opensAtMs !== null && gate.opensAtMs < nextMs;
    if (!waits) {
      return { ...known, beginsAtMs: null, because: gate.reason, endsAtMs: null, overrunSeconds: 0 };
    }
  }
  const beginsAtMs = gate.open ? plannedForMs : (gate.opensAtMs ?? plannedForMs);
  const opened = gate.open ? gate : gateAt(rules, beginsAtMs, LOOK_AHEAD_DAYS);
  const fit =
    forecast === null ? null : fitForecast(forecast, beginsAtMs, opened.open ? opened.untilMs : null);
  return {
    ...known,
    beginsAtMs,
    because: gate.open ? null : gate.reason,
    endsAtMs: fit?.endsAtMs ?? null,
    overrunSeconds: fit?.overrunSeconds ?? 0,
  };
}
