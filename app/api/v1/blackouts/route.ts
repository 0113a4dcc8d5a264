import { CreateBlackoutInput, createBlackout } from "#lib/commands/choose-calendar.ts";
import { BlackoutFields } from "#lib/queries/api/answers/schedules.ts";
import { CalendarAsked, listBlackoutsForApi } from "#lib/queries/api/list-schedules.ts";
import { pageOf } from "#lib/queries/api/paging.ts";
import { routeOf } from "../route-of.ts";

export const runtime = "nodejs";

export const GET = routeOf(
  {
    path: "/api/v1/blackouts",
    summary: "List the blackouts that are not over, by when they begin",
    permission: "read",
    query: CalendarAsked,
    answer: pageOf(BlackoutFields),
  },
  ({ viewer, query }) => listBlackoutsForApi(viewer, query),
);

export const POST = routeOf(
  {
    path: "/api/v1/blackouts",
    summary: "Add a blackout",
    permission: "schedule",
    input: CreateBlackoutInput,
    answer: BlackoutFields,
    status: 201,
    repeated: "There are two equal blackouts then, which close nothing more than one does.",
  },
  ({ viewer, input }) => createBlackout(viewer, input),
);
