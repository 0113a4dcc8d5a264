// Holidays and lessons from a calendar file (.ics): its events, repeated ones laid out within a horizon, as spans that scheduled work keeps
// clear of. Parsed by ical.js; size, events and repetitions are bounded, because the file comes from outside.
//
// Of time zones only names count: an event's wall clock is read in its own zone when that has an IANA name, else in the zone the person
// chose, and never in the server's.
import ICAL from "ical.js";
import { CodedError } from "#lib/model/errors.ts";
import { momentOf } from "./zone.ts";

export interface CalendarEvent {
  readonly fromMs: number;
  readonly toMs: number;
  readonly reason: string;
}

export interface CalendarHorizon {
  readonly fromMs: number;
  readonly toMs: number;
  /** For days and for times without a zone of their own. */
  readonly timeZone: string;
}

export const CALENDAR_CHARACTERS_MAX = 512 * 1024;
const SPANS_MAX = 2_000;
/** A daily lesson since 1990 has 13 000 repetitions before today. */
const STEPS_MAX = 20_000;
const REASON_CHARACTERS_MAX = 200;

/** In order of time. Throws `input-invalid`. */
export function readCalendar(text: string, horizon: CalendarHorizon): CalendarEvent[] {
  if (text.length > CALENDAR_CHARACTERS_MAX) {
    throw calendarInvalid(`it has more than ${CALENDAR_CHARACTERS_MAX / 1024} KiB`);
  }
  const spans: CalendarEvent[] = [];
  let steps = 0;
  for (const event of eventsOf(text)) {
    const occurrences = occurrencesOf(event, horizon, () => {
      steps += 1;
      if (steps > STEPS_MAX) throw calendarInvalid(`its events repeat more than ${STEPS_MAX} times`);
    });
    for (const span of occurrences) {
      if (span.toMs <= horizon.fromMs || span.fromMs >= horizon.toMs) continue;
      if (spans.length === SPANS_MAX) throw calendarInvalid(`it has more than ${SPANS_MAX} events to come`);
      spans.push(span);
    }
  }
  return spans.sort((left, right) => left.fromMs - right.fromMs);
}

function eventsOf(text: string): ICAL.Event[] {
  try {
    const calendar = new ICAL.Component(ICAL.parse(text));
    if (calendar.name !== "vcalendar") throw new Error("it holds no calendar");
    const all = calendar.getAllSubcomponents("vevent").map((component) => new ICAL.Event(component));
    const main = all.filter((event) => !event.isRecurrenceException());
    for (const exception of all.filter((event) => event.isRecurrenceException())) {
      main.find((event) => event.uid === exception.uid)?.relateException(exception);
    }
    return main.filter(({ component }) => component.getFirstPropertyValue("status") !== "CANCELLED");
  } catch (cause) {
    throw calendarInvalid(cause instanceof Error ? cause.message : String(cause));
  }
}

function* occurrencesOf(
  event: ICAL.Event,
  horizon: CalendarHorizon,
  count: () => void,
): Generator<CalendarEvent> {
  const reason = (event.summary || "Calendar").trim().slice(0, REASON_CHARACTERS_MAX);
  const zone = zoneOf(event.component, horizon.timeZone);
  const spanOf = (start: ICAL.Time, end: ICAL.Time) => {
    const fromMs = momentOfTime(start, zone);
    return { fromMs, toMs: Math.max(fromMs, momentOfTime(end, zone)), reason };
  };
  if (!event.isRecurring()) {
    yield spanOf(event.startDate, event.endDate);
    return;
  }
  const iterator = event.iterator();
  for (let next = iterator.next(); next; next = iterator.next()) {
    count();
    // By wall clock and without a zone: a day too early is harmless, too late would be endless.
    if (momentOfTime(next, zone) >= horizon.toMs) return;
    const { startDate, endDate } = event.getOccurrenceDetails(next);
    yield spanOf(startDate, endDate);
  }
}

function momentOfTime(time: ICAL.Time, timeZone: string): number {
  if (time.zone === ICAL.Timezone.utcTimezone) return time.toUnixTime() * 1000;
  const { year, month, day, hour, minute } = time;
  return momentOf({ year, month, day }, time.isDate ? 0 : 60 * hour + minute, timeZone);
}

function zoneOf(component: ICAL.Component, otherwise: string): string {
  const name = component.getFirstProperty("dtstart")?.getFirstParameter("tzid");
  if (!name) return otherwise;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return name;
  } catch {
    return otherwise; // a name of some program's own
  }
}

function calendarInvalid(why: string): CodedError {
  return new CodedError("input-invalid", `The calendar cannot be read: ${why.slice(0, 200)}.`, {
    hint: "Export it as iCalendar (.ics), for the coming school year only, and import it again.",
  });
}
