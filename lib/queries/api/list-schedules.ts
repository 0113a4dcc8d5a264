// Schedules, windows and blackouts as the API tells them.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { listBlackouts, listWindows } from "#lib/db/calendar.ts";
import { secondsOfPastRuns } from "#lib/db/schedule-runs.ts";
import { newestRuns, type RunDetail, type RunSummary, runsOfSchedule } from "#lib/db/schedule-views.ts";
import { listSchedules, requireSchedule } from "#lib/db/schedules.ts";
import type { Blackout, MaintenanceWindow } from "#lib/model/calendar.ts";
import type { Schedule } from "#lib/model/schedule.ts";
import { nextRuns } from "#lib/schedule/cron.ts";
import { type Forecast, forecastOf, PAST_RUNS } from "#lib/schedule/forecast.ts";

import { type Page, pageFields, pageOfWhole } from "./paging.ts";

const NEXT_RUNS = 3;

export const SchedulesAsked = z.object(pageFields({ usual: 200, max: 1_000 }));
export const CalendarAsked = z.object(pageFields({ usual: 500, max: 1_000 }));
export const RunsAsked = z.object({ limit: z.coerce.number().int().min(1).max(100).default(30) });

export interface ScheduleOfApi extends Schedule {
  readonly nextRuns: readonly string[];
  /** Null: it has not run yet. */
  readonly forecast: Forecast | null;
  readonly newestRun: RunSummary | null;
}

export async function listSchedulesForApi(
  viewer: Viewer,
  asked: z.output<typeof SchedulesAsked>,
): Promise<Page<ScheduleOfApi>> {
  permit(viewer, "read");
  const newest = await newestRuns();
  const schedules: ScheduleOfApi[] = [];
  for (const schedule of await listSchedules()) {
    schedules.push(await forApi(schedule, newest.get(schedule.id) ?? null));
  }
  return pageOfWhole(schedules, asked, ({ name, id }) => [name, id]);
}

export async function showScheduleForApi(viewer: Viewer, scheduleId: string): Promise<ScheduleOfApi> {
  permit(viewer, "read");
  const schedule = await requireSchedule(scheduleId);
  return forApi(schedule, (await newestRuns()).get(scheduleId) ?? null);
}

export async function listRunsForApi(
  viewer: Viewer,
  scheduleId: string,
  { limit }: z.output<typeof RunsAsked>,
): Promise<{ readonly items: readonly RunDetail[] }> {
  permit(viewer, "read");
  await requireSchedule(scheduleId);
  return { items: await runsOfSchedule(scheduleId, limit) };
}

export async function listWindowsForApi(
  viewer: Viewer,
  asked: z.output<typeof CalendarAsked>,
): Promise<Page<MaintenanceWindow>> {
  permit(viewer, "read");
  return pageOfWhole(await listWindows(), asked, ({ groupId, id }) => [groupId ?? "", id]);
}

export async function listBlackoutsForApi(
  viewer: Viewer,
  asked: z.output<typeof CalendarAsked>,
): Promise<Page<Blackout>> {
  permit(viewer, "read");
  return pageOfWhole(await listBlackouts(Date.now()), asked, ({ from, id }) => [from, id]);
}

async function forApi(schedule: Schedule, newestRun: RunSummary | null): Promise<ScheduleOfApi> {
  const moments = schedule.enabled ? nextRuns(schedule, Date.now(), NEXT_RUNS) : [];
  return {
    ...schedule,
    nextRuns: moments.map((ms) => new Date(ms).toISOString()),
    forecast: forecastOf(await secondsOfPastRuns(schedule, PAST_RUNS)),
    newestRun,
  };
}
