// How much of the network the server may take for sending pages, by time of day. Pure.
export interface BandwidthRule {
  /** 0 is Sunday, in the rules' time zone. */
  readonly days: readonly number[];
  /** Minutes since midnight; `to` may be smaller than `from`: then it ends on the next day. Equal: all day. */
  readonly fromMinute: number;
  readonly toMinute: number;
  readonly mbit: number;
}

export interface BandwidthRules {
  readonly rules: readonly BandwidthRule[];
  /** IANA name. */
  readonly timeZone: string;
}

export const UNLIMITED: BandwidthRules = { rules: [], timeZone: "UTC" };
export const DAY_MINUTES = 24 * 60;
const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/** Megabits a second at that moment: of the rules that hold, the strictest; null when none does. */
export function limitAt({ rules, timeZone }: BandwidthRules, moment: Date): number | null {
  const { day, minute } = placeInWeek(moment, timeZone);
  const limits = rules.filter((rule) => holds(rule, day, minute)).map(({ mbit }) => mbit);
  return limits.length === 0 ? null : Math.min(...limits);
}

function holds({ days, fromMinute, toMinute }: BandwidthRule, day: number, minute: number): boolean {
  const begins = days.includes(day) && minute >= fromMinute;
  if (fromMinute < toMinute) return begins && minute < toMinute;
  const goesOn = days.includes((day + 6) % 7) && minute < toMinute;
  return begins || goesOn;
}

function placeInWeek(moment: Date, timeZone: string): { day: number; minute: number } {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone,
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).formatToParts(moment);
  const wordOf = (type: Intl.DateTimeFormatPartTypes) =>
    parts.find((part) => part.type === type)?.value ?? "";
  return {
    day: DAYS.indexOf(wordOf("weekday")),
    minute: 60 * Number(wordOf("hour")) + Number(wordOf("minute")),
  };
}

/** "Mon–Fri 07:30–18:00" */
export function ruleInWords({ days, fromMinute, toMinute }: Omit<BandwidthRule, "mbit">): string {
  const when =
    fromMinute === toMinute ? "all day" : `${clockOf(fromMinute)}–${clockOf(toMinute % DAY_MINUTES)}`;
  return `${daysInWords(days)} ${when}`;
}

function daysInWords(days: readonly number[]): string {
  const sorted = [...days].sort((left, right) => left - right).join("");
  if (sorted === "0123456") return "Every day";
  if (sorted === "12345") return "Mon–Fri";
  if (sorted === "06") return "Sat and Sun";
  return [...days]
    .sort((left, right) => left - right)
    .map((day) => DAYS[day])
    .join(", ");
}

function clockOf(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
}
