// Wall clocks: what a moment is called in a time zone, and which moment a day and minute of a zone are. Clocks that are put
// forward have no 02:30 on one night and two of them on another: an hour that does not exist counts as the moment the clock jumps
// past it, of one that comes twice the first is taken.

export interface Day {
  readonly year: number;
  /** 1 is January. */
  readonly month: number;
  readonly day: number;
}

export interface WallClock extends Day {
  /** 0 is Sunday. */
  readonly weekday: number;
  /** Since midnight by the clock on the wall. */
  readonly minute: number;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** No zone is further from UTC, nor puts its clock by more. */
const OFFSET_MS_MAX = 15 * 60 * MINUTE_MS;

export function wallClockOf(ms: number, timeZone: string): WallClock {
  const parts = formatOf(timeZone).formatToParts(ms);
  const of = (type: Intl.DateTimeFormatPartTypes) =>
    Number(parts.find((part) => part.type === type)?.value ?? Number.NaN);
  const day = { year: of("year"), month: of("month"), day: of("day") };
  return { ...day, weekday: weekdayOf(day), minute: 60 * of("hour") + of("minute") };
}

/** The first moment whose wall clock in the zone is that day and minute, or the first one past it. Minutes may exceed a day. */
export function momentOf(day: Day, minute: number, timeZone: string): number {
  const wanted = Date.UTC(day.year, day.month - 1, day.day) + minute * MINUTE_MS;
  // The zone's offsets before and after any change near that night; the earlier candidate that fits is the first.
  const offsets = [wanted - OFFSET_MS_MAX, wanted + OFFSET_MS_MAX].map((ms) => offsetMs(ms, timeZone));
  // On most nights of the year nothing changes, and a calendar asks for many.
  if (offsets[0] === offsets[1]) return wanted - (offsets[0] ?? 0);
  const fitting = offsets
    .map((offset) => wanted - offset)
    .filter((ms) => ms + offsetMs(ms, timeZone) === wanted)
    .sort((left, right) => left - right);
  return fitting[0] ?? jumpAfter(wanted, offsets, timeZone);
}

/** The wall clock jumps over the wanted minute: the moment at which it does. */
function jumpAfter(wanted: number, offsets: readonly number[], timeZone: string): number {
  let before = wanted - Math.max(...offsets) - OFFSET_MS_MAX;
  let after = wanted - Math.min(...offsets) + OFFSET_MS_MAX;
  while (after - before > MINUTE_MS) {
    const middle = before + Math.floor((after - before) / 2 / MINUTE_MS) * MINUTE_MS;
    if (middle + offsetMs(middle, timeZone) < wanted) before = middle;
    else after = middle;
  }
  return after;
}

function offsetMs(ms: number, timeZone: string): number {
  const clock = wallClockOf(ms, timeZone);
  const shown = Date.UTC(clock.year, clock.month - 1, clock.day) + clock.minute * MINUTE_MS;
  return shown - Math.floor(ms / MINUTE_MS) * MINUTE_MS;
}

export function plusDays(day: Day, count: number): Day {
  const moved = new Date(Date.UTC(day.year, day.month - 1, day.day) + count * DAY_MS);
  return { year: moved.getUTCFullYear(), month: moved.getUTCMonth() + 1, day: moved.getUTCDate() };
}

export function weekdayOf(day: Day): number {
  return new Date(Date.UTC(day.year, day.month - 1, day.day)).getUTCDay();
}

/** "2026-11-28" */
export function dayName({ year, month, day }: Day): string {
  return `${year}-${String(month).padStart(2, "0")}-${String(day).padStart(2, "0")}`;
}

/** "Sat 28 Nov, 02:00" in the zone. */
export function momentInWords(ms: number, timeZone: string): string {
  return new Intl.DateTimeFormat("en-GB", {
    timeZone,
    weekday: "short",
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).format(ms);
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Making a format costs far more than using one, and a calendar asks for thousands of moments in few zones. */
function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat("en-US", {
    timeZone,
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
  formats.set(timeZone, made);
  return made;
}
