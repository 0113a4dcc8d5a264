// Rows of runs and of their waves: begun once, given a job per wave, ended once. What becomes of the jobs is read from their tasks.
import type { FailureReport } from "#lib/model/errors.ts";
import type { JobState, TaskState } from "#lib/model/job.ts";
import { type FinalRunState, OPEN_RUN_STATES, type RunState, type Schedule } from "#lib/model/schedule.ts";
import { database } from "./client.ts";
import { scheduleKindForRow } from "./enums.ts";
import { failureOfRow } from "./jobs.ts";
import { scheduleOfRow } from "./schedules.ts";

export interface ScheduleRun {
  readonly id: string;
  readonly scheduleId: string;
  readonly plannedForMs: number;
  readonly state: RunState;
  readonly beganAtMs: number | null;
  readonly finishedAtMs: number | null;
  readonly reason: string | null;
  readonly nodeIds: readonly string[];
  readonly windowEndsAtMs: number | null;
  readonly expectedAtMs: number | null;
  readonly alarmAtMs: number | null;
}

export interface RunTask {
  readonly nodeId: string | null;
  readonly nodeName: string | null;
  readonly state: TaskState;
  readonly failure: FailureReport | null;
}

export interface RunWave {
  readonly index: number;
  readonly nodeIds: readonly string[];
  /** Why no job could be made. */
  readonly failure: FailureReport | null;
  /** Null: not made yet, or it could not be. */
  readonly job: {
    readonly id: string;
    readonly state: JobState;
    readonly failure: FailureReport | null;
    readonly report: unknown;
    readonly cancelAsked: boolean;
    readonly tasks: readonly RunTask[];
  } | null;
}

export interface OpenRun {
  readonly run: ScheduleRun;
  readonly schedule: Schedule;
  readonly isRemoved: boolean;
}

export async function openRuns(): Promise<OpenRun[]> {
  const rows = await database().scheduleRun.findMany({
    where: { state: { in: [...OPEN_RUN_STATES] } },
    include: { schedule: true },
    orderBy: [{ plannedFor: "asc" }, { id: "asc" }],
    take: 200,
  });
  return rows.map(({ schedule, ...row }) => ({
    run: runOfRow(row),
    schedule: scheduleOfRow(schedule),
    isRemoved: schedule.removedAt !== null,
  }));
}

/** From waiting to running. False: another worker was first. */
export async function beginRun(
  id: string,
  facts: {
    readonly nodeIds: readonly string[];
    readonly windowEndsAtMs: number | null;
    readonly expectedAtMs: number | null;
    readonly alarmAtMs: number;
  },
  nowMs: number,
): Promise<boolean> {
  const { count } = await database().scheduleRun.updateMany({
    where: { id, state: "waiting" },
    data: {
      state: "running",
      beganAt: new Date(nowMs),
      nodeIds: [...facts.nodeIds],
      windowEndsAt: dateOrNull(facts.windowEndsAtMs),
      expectedAt: dateOrNull(facts.expectedAtMs),
      alarmAt: new Date(facts.alarmAtMs),
    },
  });
  return count > 0;
}

/** Why it waits, and until when at the latest nobody need be told. */
export async function keepRunWaiting(id: string, reason: string, alarmAtMs: number): Promise<void> {
  await database().scheduleRun.updateMany({
    where: { id, state: "waiting" },
    data: { reason, alarmAt: new Date(alarmAtMs) },
  });
}

export async function noteOnRun(id: string, reason: string): Promise<void> {
  await database().scheduleRun.updateMany({ where: { id, state: "running" }, data: { reason } });
}

export async function endRun(
  id: string,
  end: { readonly state: FinalRunState; readonly reason: string | null },
  nowMs: number,
): Promise<boolean> {
  const { count } = await database().scheduleRun.updateMany({
    where: { id, state: { in: [...OPEN_RUN_STATES] } },
    // A remark from before stays when the end itself has nothing to say.
    data: {
      state: end.state,
      finishedAt: new Date(nowMs),
      ...(end.reason === null ? {} : { reason: end.reason }),
    },
  });
  return count > 0;
}

/** The wave's row comes before its job: whoever finds it without one makes the job under the same request id. */
export async function createWaveOnce(
  runId: string,
  index: number,
  nodeIds: readonly string[],
): Promise<void> {
  await database().scheduleWave.createMany({
    data: [{ runId, index, nodeIds: [...nodeIds] }],
    skipDuplicates: true,
  });
}

export async function recordWaveJob(runId: string, index: number, jobId: string): Promise<void> {
  await database().scheduleWave.updateMany({ where: { runId, index }, data: { jobId } });
}

export async function recordWaveFailure(runId: string, index: number, failure: FailureReport): Promise<void> {
  await database().scheduleWave.updateMany({
    where: { runId, index, jobId: null },
    data: { failureCode: failure.code, failureMessage: failure.message, failureHint: failure.hint },
  });
}

export async function wavesOfRun(runId: string): Promise<RunWave[]> {
  const rows = await database().scheduleWave.findMany({
    where: { runId },
    orderBy: { index: "asc" },
    include: { job: { include: { tasks: { include: { node: { select: { name: true } } } } } } },
  });
  return rows.map((row) => ({
    index: row.index,
    nodeIds: row.nodeIds,
    failure: failureOfRow(row),
    job:
      row.job === null
        ? null
        : {
            id: row.job.id,
            state: row.job.state,
            failure: failureOfRow(row.job),
            report: row.job.report,
            cancelAsked: row.job.cancelAskedAt !== null,
            tasks: row.job.tasks.map((task) => ({
              nodeId: task.nodeId,
              nodeName: task.node?.name ?? null,
              state: task.state,
              failure: failureOfRow(task),
            })),
          },
  }));
}

/** Seconds that the last runs of the same kind and target took. */
export async function secondsOfPastRuns(schedule: Schedule, limit: number): Promise<number[]> {
  const { target } = schedule;
  const rows = await database().scheduleRun.findMany({
    where: {
      state: { in: ["succeeded", "partial"] },
      beganAt: { not: null },
      schedule: {
        kind: scheduleKindForRow(schedule.kind),
        target: target.kind,
        groupId: target.kind === "classroom" ? target.groupId : null,
        ...(target.kind === "nodes" ? { nodeIds: { equals: [...target.nodeIds] } } : {}),
      },
    },
    select: { beganAt: true, finishedAt: true },
    orderBy: { plannedFor: "desc" },
    take: limit,
  });
  return rows.flatMap(({ beganAt, finishedAt }) =>
    beganAt === null || finishedAt === null ? [] : [(finishedAt.getTime() - beganAt.getTime()) / 1000],
  );
}

/** Open runs whose alarm is due and was not given yet. */
export async function runsToAlarm(nowMs: number): Promise<OpenRun[]> {
  const due = (await openRuns()).filter(({ run }) => run.alarmAtMs !== null && run.alarmAtMs <= nowMs);
  const rows = await database().scheduleRun.findMany({
    where: { id: { in: due.map(({ run }) => run.id) }, alarmedAt: null },
    select: { id: true },
  });
  const unheard = new Set(rows.map(({ id }) => id));
  return due.filter(({ run }) => unheard.has(run.id));
}

/** False: another worker gives it. */
export async function markAlarmed(runId: string, nowMs: number): Promise<boolean> {
  const { count } = await database().scheduleRun.updateMany({
    where: { id: runId, alarmedAt: null },
    data: { alarmedAt: new Date(nowMs) },
  });
  return count > 0;
}

function dateOrNull(ms: number | null): Date | null {
  return ms === null ? null : new Date(ms);
}

export interface RunColumns {
  readonly id: string;
  readonly scheduleId: string;
  readonly plannedFor: Date;
  readonly state: RunState;
  readonly beganAt: Date | null;
  readonly finishedAt: Date | null;
  readonly reason: string | null;
  readonly nodeIds: readonly string[];
  readonly windowEndsAt: Date | null;
  readonly expectedAt: Date | null;
  readonly alarmAt: Date | null;
}

export function runOfRow(row: RunColumns): ScheduleRun {
  return {
    id: row.id,
    scheduleId: row.scheduleId,
    plannedForMs: row.plannedFor.getTime(),
    state: row.state,
    beganAtMs: row.beganAt?.getTime() ?? null,
    finishedAtMs: row.finishedAt?.getTime() ?? null,
    reason: row.reason,
    nodeIds: row.nodeIds,
    windowEndsAtMs: row.windowEndsAt?.getTime() ?? null,
    expectedAtMs: row.expectedAt?.getTime() ?? null,
    alarmAtMs: row.alarmAt?.getTime() ?? null,
  };
}
