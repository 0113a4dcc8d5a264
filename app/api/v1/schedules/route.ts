import { CreateScheduleInput, createSchedule } from "#lib/commands/save-schedule.ts";
import { ScheduleFields, ScheduleWithRuns } from "#lib/queries/api/answers/schedules.ts";
import { listSchedulesForApi, SchedulesAsked } from "#lib/queries/api/list-schedules.ts";
import { pageOf } from "#lib/queries/api/paging.ts";
import { routeOf } from "../route-of.ts";

export const runtime = "nodejs";

export const GET = routeOf(
  {
    path: "/api/v1/schedules",
    summary: "List what happens by itself, with its next runs, by name",
    permission: "read",
    query: SchedulesAsked,
    answer: pageOf(ScheduleWithRuns),
  },
  ({ viewer, query }) => listSchedulesForApi(viewer, query),
);

export const POST = routeOf(
  {
    path: "/api/v1/schedules",
    summary: "Make a schedule; it acts in your name",
    permission: "schedule",
    input: CreateScheduleInput,
    answer: ScheduleFields,
    status: 201,
  },
  ({ viewer, input }) => createSchedule(viewer, input),
);
