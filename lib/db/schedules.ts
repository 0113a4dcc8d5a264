// Rows of schedules. A row's nextRunAt is the one place that says when it is due; moving it on and writing the run down is one
// transaction, so that each planned moment has at most one run, however many ticks, sweeps and workers see it.
import { systemRandom } from "#lib/model/clock.ts";
import { CodedError } from "#lib/model/errors.ts";
import { newId } from "#lib/model/ids.ts";
import {
  OPEN_RUN_STATES,
  type Schedule,
  type ScheduleTarget,
  WHEN_CLOSED,
  WHEN_MISSED,
  WHEN_OVER,
} from "#lib/model/schedule.ts";
import { database, inTransaction } from "./client.ts";
import { scheduleKindForRow, scheduleKindOfRow } from "./enums.ts";
import type * as rows from "./generated/enums.ts";
import { type JobOptions, rowOfOptions } from "./job-options.ts";

export type ScheduleChoice = Omit<
  Schedule,
  "id" | "parameters" | "createdBy" | "updatedBy" | "createdAt" | "nextRunAt"
> & { readonly parameters: JobOptions; readonly nextRunAtMs: number | null };

/** A double click finds the first row. */
export async function createScheduleOnce(
  requestId: string,
  choice: ScheduleChoice,
  by: string,
): Promise<{ readonly schedule: Schedule; readonly created: boolean }> {
  return inTransaction(async (tx) => {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtext(${`schedule ${requestId}`}))`;
    const first = await tx.schedule.findUnique({ where: { requestId } });
    if (first !== null && first.createdBy !== by) {
      throw new CodedError("input-invalid", "This request id was used for another request before.", {
        hint: "Reload the page, or send a new Idempotency-Key.",
      });
    }
    if (first !== null) return { schedule: scheduleOfRow(first), created: false };
    const id = newId("sched", systemRandom);
    const row = await tx.schedule.create({
      data: { id, requestId, ...columnsOf(choice), createdBy: by, updatedBy: by },
    });
    return { schedule: scheduleOfRow(row), created: true };
  });
}

/** Refused while a run is open: its remaining waves would do what was never meant for them. */
export async function changeSchedule(id: string, choice: ScheduleChoice, by: string): Promise<Schedule> {
  return inTransaction(async (tx) => {
    // Firing moves the same row on, so no run can begin between the look and the change.
    await tx.$queryRaw`SELECT id FROM schedules WHERE id = ${id} FOR UPDATE`;
    const open = await tx.scheduleRun.count({
      where: { scheduleId: id, state: { in: [...OPEN_RUN_STATES] } },
    });
    if (open > 0) {
      throw new CodedError("schedule-busy", "A run of this schedule waits or is under way.", {
        hint: "Wait until it has ended, cancel its job, or switch the schedule off first.",
      });
    }
    const data = { ...columnsOf(choice), updatedBy: by };
    return scheduleOfRow(await tx.schedule.update({ where: { id }, data }));
  });
}

export async function setScheduleEnabled(
  id: string,
  change: { readonly enabled: boolean; readonly nextRunAtMs: number | null },
  by: string,
): Promise<Schedule> {
  const { enabled, nextRunAtMs } = change;
  const nextRunAt = nextRunAtMs === null ? null : new Date(nextRunAtMs);
  const row = await database().schedule.update({
    where: { id },
    data: { enabled, nextRunAt, updatedBy: by },
  });
  return scheduleOfRow(row);
}

/** Its runs stay, for the history and for a digest that is still to come. */
export async function removeSchedule(id: string, by: string): Promise<void> {
  await requireSchedule(id);
  await database().schedule.update({
    where: { id },
    data: { removedAt: new Date(), enabled: false, nextRunAt: null, updatedBy: by },
  });
}

export async function requireSchedule(id: string): Promise<Schedule> {
  const row = await database().schedule.findFirst({ where: { id, removedAt: null } });
  if (row !== null) return scheduleOfRow(row);
  throw new CodedError("schedule-unknown", `There is no schedule ${id}.`, {
    hint: "Reload the list of schedules.",
  });
}

export async function listSchedules(): Promise<Schedule[]> {
  const rows = await database().schedule.findMany({ where: { removedAt: null }, orderBy: { name: "asc" } });
  return rows.map(scheduleOfRow);
}

/** Enabled ones whose moment has come. */
export async function dueSchedules(nowMs: number): Promise<Schedule[]> {
  const rows = await database().schedule.findMany({
    where: { enabled: true, removedAt: null, nextRunAt: { lte: new Date(nowMs) } },
    orderBy: { nextRunAt: "asc" },
    take: 200,
  });
  return rows.map(scheduleOfRow);
}

export interface NewRun {
  readonly plannedForMs: number;
  readonly nextRunAtMs: number | null;
  readonly skippedBecause: string | null;
  readonly remark: string | null;
}

/** Moves the schedule on and writes its run down, in one. Null: somebody else was first, or the schedule was changed meanwhile. */
export async function createRunOnce(schedule: Schedule, run: NewRun, nowMs: number): Promise<string | null> {
  return inTransaction(async (tx) => {
    const moved = await tx.schedule.updateMany({
      where: { id: schedule.id, enabled: true, nextRunAt: schedule.nextRunAt },
      data: { nextRunAt: run.nextRunAtMs === null ? null : new Date(run.nextRunAtMs) },
    });
    if (moved.count === 0) return null;
    const now = new Date(nowMs);
    const ended =
      run.skippedBecause === null
        ? { reason: run.remark }
        : { state: "skipped" as const, finishedAt: now, reason: run.skippedBecause };
    const id = newId("run", systemRandom);
    const plannedFor = new Date(run.plannedForMs);
    // A clock that was set back, or a time plan that was changed, may name a moment that has its run already.
    const { count } = await tx.scheduleRun.createMany({
      data: [{ id, scheduleId: schedule.id, plannedFor, createdAt: now, ...ended }],
      skipDuplicates: true,
    });
    return count === 0 ? null : id;
  });
}

function columnsOf(choice: ScheduleChoice) {
  const { kind, target, parameters, waves, nextRunAtMs, ...same } = choice;
  return {
    name: same.name,
    kind: scheduleKindForRow(kind),
    target: target.kind,
    groupId: target.kind === "classroom" ? target.groupId : null,
    nodeIds: target.kind === "nodes" ? [...target.nodeIds] : [],
    parameters: rowOfOptions(parameters),
    cron: same.cron,
    timeZone: same.timeZone,
    enabled: same.enabled,
    whenMissed: same.whenMissed,
    whenClosed: same.whenClosed,
    whenOver: same.whenOver,
    graceMinutes: same.graceMinutes,
    ...waves,
    nextRunAt: nextRunAtMs === null ? null : new Date(nextRunAtMs),
  };
}

export interface ScheduleColumns {
  readonly id: string;
  readonly name: string;
  readonly kind: rows.ScheduleKind;
  readonly target: rows.ScheduleTarget;
  readonly groupId: string | null;
  readonly nodeIds: readonly string[];
  readonly parameters: unknown;
  readonly cron: string;
  readonly timeZone: string;
  readonly enabled: boolean;
  readonly whenMissed: string;
  readonly whenClosed: string;
  readonly whenOver: string;
  readonly canaryCount: number;
  readonly waveSize: number;
  readonly failPercentMax: number;
  readonly graceMinutes: number;
  readonly nextRunAt: Date | null;
  readonly createdBy: string;
  readonly updatedBy: string;
  readonly createdAt: Date;
}

export function scheduleOfRow(row: ScheduleColumns): Schedule {
  const { parameters } = row;
  return {
    id: row.id,
    name: row.name,
    kind: scheduleKindOfRow(row.kind),
    target: targetOf(row),
    parameters: typeof parameters === "object" && parameters !== null ? { ...parameters } : {},
    cron: row.cron,
    timeZone: row.timeZone,
    enabled: row.enabled,
    whenMissed: wordOf(WHEN_MISSED, row.whenMissed),
    whenClosed: wordOf(WHEN_CLOSED, row.whenClosed),
    whenOver: wordOf(WHEN_OVER, row.whenOver),
    waves: {
      canaryCount: row.canaryCount,
      waveSize: row.waveSize,
      failPercentMax: row.failPercentMax,
    },
    graceMinutes: row.graceMinutes,
    nextRunAt: row.nextRunAt?.toISOString() ?? null,
    createdBy: row.createdBy,
    updatedBy: row.updatedBy,
    createdAt: row.createdAt.toISOString(),
  };
}

function targetOf(row: Pick<ScheduleColumns, "target" | "groupId" | "nodeIds">): ScheduleTarget {
  if (row.target === "classroom" && row.groupId !== null) return { kind: "classroom", groupId: row.groupId };
  return row.target === "repository" ? { kind: "repository" } : { kind: "nodes", nodeIds: row.nodeIds };
}

/** A word of another version counts as the first, which is the one that loses no run and no PC. */
function wordOf<Word extends string>(known: readonly [Word, ...Word[]], text: string): Word {
  return known.find((word) => word === text) ?? known[0];
}
