// What happened between two moments, for the digest: runs planned or ended then, jobs that people started, sizes before and after.
import { FINAL_TASK_STATES } from "#lib/model/job.ts";
import { OPEN_RUN_STATES } from "#lib/model/schedule.ts";
import { database } from "./client.ts";
import { type RunWave, runOfRow, type ScheduleRun, wavesOfRun } from "./schedule-runs.ts";

export interface NightRun {
  readonly run: ScheduleRun;
  readonly scheduleName: string;
  readonly waves: readonly RunWave[];
}

const RUNS_MAX = 500;
const JOBS_MAX = 1_000;

/** Those that ended in (from, to], and those that are open. */
export async function runsBetween(fromMs: number, toMs: number): Promise<NightRun[]> {
  const span = { gt: new Date(fromMs), lte: new Date(toMs) };
  const rows = await database().scheduleRun.findMany({
    where: {
      OR: [
        { finishedAt: span },
        { state: { in: [...OPEN_RUN_STATES] }, plannedFor: { lte: new Date(toMs) } },
      ],
    },
    include: { schedule: { select: { name: true } } },
    orderBy: { plannedFor: "asc" },
    take: RUNS_MAX,
  });
  const nights: NightRun[] = [];
  for (const { schedule, ...row } of rows) {
    nights.push({ run: runOfRow(row), scheduleName: schedule.name, waves: await wavesOfRun(row.id) });
  }
  return nights;
}

/** Jobs of no schedule that ended then. */
export async function jobsOfPeopleBetween(fromMs: number, toMs: number) {
  return database().job.findMany({
    where: { finishedAt: { gt: new Date(fromMs), lte: new Date(toMs) }, scheduleWave: null },
    select: { title: true, state: true },
    orderBy: { finishedAt: "asc" },
    take: JOBS_MAX,
  });
}

export async function storageBetween(fromMs: number, toMs: number) {
  const repositories = await database().repository.findMany({
    select: { id: true, name: true },
    orderBy: { name: "asc" },
  });
  const sizes = [];
  for (const { id, name } of repositories) {
    sizes.push({
      name,
      beforeBytes: await storedBytesAt(id, fromMs),
      afterBytes: await storedBytesAt(id, toMs),
    });
  }
  return sizes;
}

async function storedBytesAt(repositoryId: string, ms: number): Promise<number | null> {
  const row = await database().storageSample.findFirst({
    where: { repositoryId, at: { lte: new Date(ms) } },
    orderBy: [{ at: "desc" }, { id: "desc" }],
    select: { storedBytes: true },
  });
  return row === null ? null : Number(row.storedBytes);
}

/** Tasks of PCs by how they ended, with the PC's name; of several on one PC the one that did not succeed. */
export function endedTasks(waves: readonly RunWave[]) {
  return waves
    .flatMap(({ job }) => job?.tasks ?? [])
    .filter(({ state }) => (FINAL_TASK_STATES as readonly string[]).includes(state));
}
