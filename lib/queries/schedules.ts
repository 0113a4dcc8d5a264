// The schedules: what each does and when next, what became of its last run, and the coming nights with windows, blackouts and forecasts.
import "server-only";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/viewer.ts";
import { groupIdsOfNodes } from "#lib/db/automation-nodes.ts";
import { listBlackouts, listWindows } from "#lib/db/calendar.ts";
import { listGroups } from "#lib/db/groups.ts";
import { listNodes } from "#lib/db/nodes.ts";
import { findDigestTime } from "#lib/db/recipients.ts";
import { listReleases } from "#lib/db/releases.ts";
import { secondsOfPastRuns } from "#lib/db/schedule-runs.ts";
import { newestRuns, type RunDetail, type RunSummary, runsOfSchedule } from "#lib/db/schedule-views.ts";
import { listSchedules, requireSchedule } from "#lib/db/schedules.ts";
import { findActiveUser } from "#lib/db/users.ts";
import type { Blackout, MaintenanceWindow } from "#lib/model/calendar.ts";
import type { Schedule } from "#lib/model/schedule.ts";
import { runsInWords } from "#lib/schedule/cron.ts";
import { type Forecast, forecastInWords, forecastOf, PAST_RUNS } from "#lib/schedule/forecast.ts";
import { type Night, type NightPlace, type NightSchedule, planNights } from "#lib/schedule/nights.ts";
import { type OpeningRules, rulesFor } from "#lib/schedule/windows.ts";

export type { RunDetail, RunSummary } from "#lib/db/schedule-views.ts";
export type { Night, PlannedRun } from "#lib/schedule/nights.ts";

const NIGHTS = 7;
const NEXT_RUNS = 3;
const HISTORY_MAX = 30;

export interface ScheduleRowView {
  readonly schedule: Schedule;
  readonly targetName: string;
  /** "Sat 28 Nov, 02:00" each, in the schedule's zone. */
  readonly nextRuns: readonly string[];
  readonly newestRun: RunSummary | null;
  readonly forecast: string | null;
}

export interface SchedulesView {
  readonly schedules: readonly ScheduleRowView[];
  readonly nights: readonly Night[];
  readonly timeZone: string;
  readonly windows: readonly (MaintenanceWindow & { readonly groupName: string | null })[];
  readonly blackouts: readonly (Blackout & { readonly groupName: string | null })[];
  readonly groups: readonly { readonly id: string; readonly name: string }[];
}

export async function schedulesView(viewer: Viewer): Promise<SchedulesView> {
  permit(viewer, "read");
  const nowMs = Date.now();
  const [schedules, newest, groups, windows, blackouts, timeZone] = await Promise.all([
    listSchedules(),
    newestRuns(),
    listGroups(),
    listWindows(),
    listBlackouts(nowMs),
    usualTimeZone(),
  ]);
  const nameOf = new Map(groups.map(({ id, name }) => [id, name]));
  const named = <Of extends { readonly groupId: string | null }>(each: Of) => {
    return { ...each, groupName: each.groupId === null ? null : (nameOf.get(each.groupId) ?? null) };
  };
  const rows: ScheduleRowView[] = [];
  const nightly: NightSchedule[] = [];
  for (const schedule of schedules) {
    const forecast = forecastOf(await secondsOfPastRuns(schedule, PAST_RUNS));
    rows.push({
      schedule,
      targetName: targetName(schedule, nameOf),
      nextRuns: schedule.enabled ? runsInWords(schedule, nowMs, NEXT_RUNS) : [],
      newestRun: newest.get(schedule.id) ?? null,
      forecast: forecast === null ? null : forecastInWords(forecast),
    });
    nightly.push({ schedule, rules: await rulesOf(schedule, { windows, blackouts }), forecast });
  }
  const facts = { schedules: nightly, places: placesOf(windows, nameOf), blackouts, timeZone };
  return {
    schedules: rows,
    nights: planNights(facts, nowMs, NIGHTS),
    timeZone,
    windows: windows.map(named),
    blackouts: blackouts.map(named),
    groups: groups.map(({ id, name }) => ({ id, name })),
  };
}

export interface ScheduleView extends ScheduleRowView {
  readonly runs: readonly RunDetail[];
  readonly maker: string;
  readonly isOwn: boolean;
  readonly choices: ScheduleChoices;
}

export async function scheduleView(viewer: Viewer, scheduleId: string): Promise<ScheduleView> {
  permit(viewer, "read");
  const schedule = await requireSchedule(scheduleId);
  const [runs, groups, forecast, maker, choices] = await Promise.all([
    runsOfSchedule(scheduleId, HISTORY_MAX),
    listGroups(),
    secondsOfPastRuns(schedule, PAST_RUNS).then((seconds): Forecast | null => forecastOf(seconds)),
    findActiveUser(schedule.createdBy),
    choicesOf(),
  ]);
  return {
    schedule,
    targetName: targetName(schedule, new Map(groups.map(({ id, name }) => [id, name]))),
    nextRuns: schedule.enabled ? runsInWords(schedule, Date.now(), NEXT_RUNS) : [],
    newestRun: runs[0] ?? null,
    forecast: forecast === null ? null : forecastInWords(forecast),
    runs,
    maker: maker?.name ?? "somebody who may not sign in any more",
    isOwn: schedule.createdBy === viewer.id,
    choices,
  };
}

/** What a form offers. */
export interface ScheduleChoices {
  readonly groups: readonly { readonly id: string; readonly name: string }[];
  readonly nodes: readonly { readonly id: string; readonly name: string }[];
  readonly releases: readonly { readonly snapshotId: string; readonly label: string }[];
  readonly timeZone: string;
}

export async function scheduleChoices(viewer: Viewer): Promise<ScheduleChoices> {
  permit(viewer, "schedule");
  return choicesOf();
}

async function choicesOf(): Promise<ScheduleChoices> {
  const [groups, nodes, releases, timeZone] = await Promise.all([
    listGroups(),
    listNodes(),
    listReleases(),
    usualTimeZone(),
  ]);
  return {
    groups: groups.map(({ id, name }) => ({ id, name })),
    nodes: nodes.filter(({ lifeCycle }) => lifeCycle === "enrolled").map(({ id, name }) => ({ id, name })),
    releases: releases.map((release) => ({
      snapshotId: release.snapshotId,
      label: `${release.masterName} ${release.number}`,
    })),
    timeZone,
  };
}

/** The zone that nights are shown in, and a new schedule starts with: the digest's, else the first schedule's. */
async function usualTimeZone(): Promise<string> {
  return (await findDigestTime())?.timeZone ?? (await listSchedules())[0]?.timeZone ?? "UTC";
}

function targetName({ target }: Schedule, nameOf: ReadonlyMap<string, string>): string {
  if (target.kind === "repository") return "Store";
  if (target.kind === "classroom") return nameOf.get(target.groupId) ?? "A classroom that is gone";
  return target.nodeIds.length === 1 ? "1 PC" : `${target.nodeIds.length} PCs`;
}

async function rulesOf({ target }: Schedule, all: OpeningRules): Promise<OpeningRules[]> {
  if (target.kind === "classroom") return [rulesFor(all, target.groupId)];
  const groupIds = target.kind === "nodes" ? await groupIdsOfNodes(target.nodeIds) : [null];
  return groupIds.map((groupId) => rulesFor(all, groupId));
}

function placesOf(windows: readonly MaintenanceWindow[], nameOf: ReadonlyMap<string, string>): NightPlace[] {
  return [...Map.groupBy(windows, ({ groupId }) => groupId)].map(([groupId, mine]) => ({
    name: groupId === null ? "Everywhere else" : (nameOf.get(groupId) ?? groupId),
    windows: mine,
  }));
}
