import { CreateWindowInput, createWindow } from "#lib/commands/choose-calendar.ts";
import { WindowFields } from "#lib/queries/api/answers/schedules.ts";
import { CalendarAsked, listWindowsForApi } from "#lib/queries/api/list-schedules.ts";
import { pageOf } from "#lib/queries/api/paging.ts";
import { routeOf } from "../route-of.ts";

export const runtime = "nodejs";

export const GET = routeOf(
  {
    path: "/api/v1/windows",
    summary: "List the maintenance windows",
    permission: "read",
    query: CalendarAsked,
    answer: pageOf(WindowFields),
  },
  ({ viewer, query }) => listWindowsForApi(viewer, query),
);

export const POST = routeOf(
  {
    path: "/api/v1/windows",
    summary: "Add a maintenance window",
    permission: "schedule",
    input: CreateWindowInput,
    answer: WindowFields,
    status: 201,
    repeated: "There are two equal windows then, which open nothing more than one does.",
  },
  ({ viewer, input }) => createWindow(viewer, input),
);
