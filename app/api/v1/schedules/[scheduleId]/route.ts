import {
  ChangeScheduleInput,
  changeScheduleOf,
  RemoveScheduleInput,
  removeSchedule,
  SwitchScheduleInput,
  switchSchedule,
} from "#lib/commands/save-schedule.ts";
import { ScheduleFields, ScheduleWithRuns } from "#lib/queries/api/answers/schedules.ts";
import { Done } from "#lib/queries/api/answers/shared.ts";
import { showScheduleForApi } from "#lib/queries/api/list-schedules.ts";
import { routeOf } from "../../route-of.ts";

export const runtime = "nodejs";

export const GET = routeOf(
  {
    path: "/api/v1/schedules/{scheduleId}",
    summary: "Show a schedule, its next runs and its forecast",
    permission: "read",
    answer: ScheduleWithRuns,
  },
  ({ viewer, params }) => showScheduleForApi(viewer, params.scheduleId),
);

export const PUT = routeOf(
  {
    path: "/api/v1/schedules/{scheduleId}",
    summary: "Change a schedule of one's own",
    permission: "schedule",
    input: ChangeScheduleInput,
    answer: ScheduleFields,
  },
  ({ viewer, input }) => changeScheduleOf(viewer, input),
);

export const PATCH = routeOf(
  {
    path: "/api/v1/schedules/{scheduleId}",
    summary: "Switch a schedule on or off",
    permission: "schedule",
    input: SwitchScheduleInput,
    answer: ScheduleFields,
  },
  ({ viewer, input }) => switchSchedule(viewer, input),
);

export const DELETE = routeOf(
  {
    path: "/api/v1/schedules/{scheduleId}",
    summary: "Remove a schedule; what runs goes on, its history stays",
    permission: "schedule",
    input: RemoveScheduleInput,
    answer: Done,
  },
  async ({ viewer, input }) => {
    await removeSchedule(viewer, input);
    return {};
  },
);
