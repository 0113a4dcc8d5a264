import {
  ImportCalendarInput,
  importCalendar,
  RemoveCalendarInput,
  removeCalendar,
} from "#lib/commands/choose-calendar.ts";
import { CalendarImported } from "#lib/queries/api/answers/schedules.ts";
import { Done } from "#lib/queries/api/answers/shared.ts";
import { routeOf } from "../../route-of.ts";

export const runtime = "nodejs";

/** A calendar has 512 KiB, and JSON may write each byte as six characters. */
const BODY_BYTES_MAX = 3 * 1024 * 1024;

export const PUT = routeOf(
  {
    path: "/api/v1/calendars/{name}",
    summary: "Import an iCalendar file as blackouts; it takes the place of the calendar with its name",
    permission: "schedule",
    input: ImportCalendarInput,
    bodyBytesMax: BODY_BYTES_MAX,
    answer: CalendarImported,
  },
  ({ viewer, input }) => importCalendar(viewer, input),
);

export const DELETE = routeOf(
  {
    path: "/api/v1/calendars/{name}",
    summary: "Remove all blackouts of a calendar",
    permission: "schedule",
    input: RemoveCalendarInput,
    answer: Done,
  },
  async ({ viewer, input }) => {
    await removeCalendar(viewer, input);
    return {};
  },
);
