// When scheduled work may begin: inside a maintenance window, outside blackouts. Windows are said by weekday and wall clock, so
// they are laid out day by day in their own zone; what results are plain spans of moments. Without any window everything is open.
import type { Blackout, MaintenanceWindow } from "#lib/model/calendar.ts";
import { momentInWords, momentOf, plusDays, wallClockOf, weekdayOf } from "./zone.ts";

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** The rules that hold for one classroom, or for what belongs to none. */
export interface OpeningRules {
  readonly windows: readonly MaintenanceWindow[];
  readonly blackouts: readonly Blackout[];
}

export type Gate =
  /** `untilMs` null: no window holds it. */
  | { readonly open: true; readonly untilMs: number | null }
  /** `opensAtMs` null: not within the horizon. */
  | { readonly open: false; readonly opensAtMs: number | null; readonly reason: string };

const DAY_MINUTES = 24 * 60;
const DAY_MS = DAY_MINUTES * 60_000;
/** Longer than any holidays: a run that waits longer is not going to happen. */
const HORIZON_DAYS = 100;

/** A classroom's own windows take the place of those for all; blackouts of both hold. `groupId` null: the store, or PCs of no room. */
export function rulesFor(all: OpeningRules, groupId: string | null): OpeningRules {
  const own = groupId === null ? [] : all.windows.filter((window) => window.groupId === groupId);
  return {
    windows: own.length > 0 ? own : all.windows.filter((window) => window.groupId === null),
    blackouts: all.blackouts.filter((each) => each.groupId === null || each.groupId === groupId),
  };
}

/** The open spans that touch [fromMs, toMs), in order, apart from each other. */
export function openSpans(rules: OpeningRules, fromMs: number, toMs: number): Span[] {
  const windows =
    rules.windows.length === 0
      ? [{ fromMs, toMs }]
      : merged(rules.windows.flatMap((window) => spansOf(window, fromMs, toMs)));
  return rules.blackouts.reduce((spans, blackout) => without(spans, blackout), windows);
}

/** Of several sets of rules all must be open: work on PCs of two classrooms needs both. */
export function gateAt(several: readonly OpeningRules[], nowMs: number, horizonDays = HORIZON_DAYS): Gate {
  const toMs = nowMs + horizonDays * DAY_MS;
  const spans = several
    .map((rules) => openSpans(rules, nowMs, toMs))
    .reduce(intersection, [{ fromMs: nowMs, toMs }]);
  const here = spans.find((span) => span.fromMs <= nowMs && nowMs < span.toMs);
  if (here !== undefined) {
    const isBounded = several.some(({ windows }) => windows.length > 0) || here.toMs < toMs;
    return { open: true, untilMs: isBounded ? here.toMs : null };
  }
  const next = spans.find((span) => span.fromMs > nowMs);
  return {
    open: false,
    opensAtMs: next?.fromMs ?? null,
    reason: whyClosed(several, nowMs, next?.fromMs, horizonDays),
  };
}

function whyClosed(
  several: readonly OpeningRules[],
  nowMs: number,
  opensAtMs: number | undefined,
  horizonDays: number,
): string {
  const blackout = several
    .flatMap(({ blackouts }) => blackouts)
    .find((each) => Date.parse(each.from) <= nowMs && nowMs < Date.parse(each.to));
  const zone = several.flatMap(({ windows }) => windows)[0]?.timeZone ?? "UTC";
  const cause =
    blackout === undefined ? "No maintenance window is open" : `Nothing may begin: ${blackout.reason}`;
  const opens =
    opensAtMs === undefined
      ? `none opens within ${horizonDays} days`
      : `the next opens ${momentInWords(opensAtMs, zone)} (${zone})`;
  return `${cause}; ${opens}.`;
}

function spansOf(window: MaintenanceWindow, fromMs: number, toMs: number): Span[] {
  const { days, fromMinute, toMinute, timeZone } = window;
  const endMinute = toMinute > fromMinute ? toMinute : toMinute + DAY_MINUTES;
  // From the day before the first: its window may reach past midnight.
  let day = plusDays(wallClockOf(fromMs, timeZone), -1);
  const spans: Span[] = [];
  for (let count = 0; count <= HORIZON_DAYS + 2; count += 1) {
    const span = { fromMs: momentOf(day, fromMinute, timeZone), toMs: momentOf(day, endMinute, timeZone) };
    if (span.fromMs >= toMs) break;
    if (days.includes(weekdayOf(day)) && span.toMs > Math.max(fromMs, span.fromMs)) spans.push(span);
    day = plusDays(day, 1);
  }
  return spans;
}

function merged(spans: readonly Span[]): Span[] {
  const result: Span[] = [];
  for (const span of [...spans].sort((left, right) => left.fromMs - right.fromMs)) {
    const last = result.at(-1);
    if (last === undefined || span.fromMs > last.toMs) result.push(span);
    else result[result.length - 1] = { fromMs: last.fromMs, toMs: Math.max(last.toMs, span.toMs) };
  }
  return result;
}

function without(spans: readonly Span[], blackout: Blackout): Span[] {
  const [fromMs, toMs] = [Date.parse(blackout.from), Date.parse(blackout.to)];
  return spans
    .flatMap((span) => [
      { fromMs: span.fromMs, toMs: Math.min(span.toMs, fromMs) },
      { fromMs: Math.max(span.fromMs, toMs), toMs: span.toMs },
    ])
    .filter((span) => span.fromMs < span.toMs);
}

function intersection(left: readonly Span[], right: readonly Span[]): Span[] {
  return left.flatMap((one) =>
    right
      .map((two) => ({ fromMs: Math.max(one.fromMs, two.fromMs), toMs: Math.min(one.toMs, two.toMs) }))
      .filter((span) => span.fromMs < span.toMs),
  );
}
