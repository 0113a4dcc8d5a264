// The time plans that a form offers by name, as cron and back. Whatever is not one of them is shown as the expression it is.

export interface PlainRhythm {
  readonly when: "daily" | "workdays" | "weekly";
  /** "02:30" */
  readonly time: string;
  /** 0 is Sunday; of a weekly one. */
  readonly weekday: number;
}

export const WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

export function cronOf({ when, time, weekday }: PlainRhythm): string {
  const days = when === "daily" ? "*" : when === "workdays" ? "1-5" : String(weekday);
  return `${Number(time.slice(3))} ${Number(time.slice(0, 2))} * * ${days}`;
}

/** Null: an expression of one's own. */
export function rhythmOf(cron: string): PlainRhythm | null {
  const [, minute, hour, days] = /^(\d{1,2}) (\d{1,2}) \* \* (\*|1-5|[0-6])$/.exec(cron.trim()) ?? [];
  if (minute === undefined || hour === undefined || days === undefined) return null;
  const time = `${hour.padStart(2, "0")}:${minute.padStart(2, "0")}`;
  if (days === "*") return { when: "daily", time, weekday: 0 };
  return days === "1-5"
    ? { when: "workdays", time, weekday: 0 }
    : { when: "weekly", time, weekday: Number(days) };
}

/** "Every day at 02:30" */
export function rhythmInWords(cron: string): string {
  const rhythm = rhythmOf(cron);
  if (rhythm === null) return cron;
  const days = { daily: "Every day", workdays: "Mon–Fri", weekly: `Every ${WEEKDAYS[rhythm.weekday]}` };
  return `${days[rhythm.when]} at ${rhythm.time}`;
}
