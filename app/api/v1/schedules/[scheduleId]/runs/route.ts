import { ScheduleRuns } from "#lib/queries/api/answers/schedules.ts";
import { listRunsForApi, RunsAsked } from "#lib/queries/api/list-schedules.ts";
import { routeOf } from "../../../route-of.ts";

export const runtime = "nodejs";

export const GET = routeOf(
  {
    path: "/api/v1/schedules/{scheduleId}/runs",
    summary: "List a schedule's runs with what became of each wave, newest first",
    permission: "read",
    query: RunsAsked,
    answer: ScheduleRuns,
  },
  ({ viewer, params, query }) => listRunsForApi(viewer, params.scheduleId, query),
);
