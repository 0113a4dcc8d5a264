// Schedules and their runs as pages read them.
import type { FailureReport } from "#lib/model/errors.ts";
import type { JobState } from "#lib/model/job.ts";
import type { RunState } from "#lib/model/schedule.ts";
import { resultOfWave, type WaveResult } from "#lib/model/wave-result.ts";
import { database } from "./client.ts";
import { type RunWave, type runOfRow, wavesOfRun } from "./schedule-runs.ts";

export interface RunSummary {
  readonly id: string;
  readonly scheduleId: string;
  readonly state: RunState;
  readonly plannedFor: string;
  readonly beganAt: string | null;
  readonly finishedAt: string | null;
  readonly expectedAt: string | null;
  readonly windowEndsAt: string | null;
  readonly reason: string | null;
  readonly pcCount: number;
}

export interface WaveRow {
  readonly index: number;
  readonly pcCount: number;
  readonly jobId: string | null;
  readonly jobState: JobState | null;
  readonly failure: FailureReport | null;
  /** Null: under way. */
  readonly result: WaveResult | null;
}

export interface RunDetail extends RunSummary {
  readonly waves: readonly WaveRow[];
}

type Columns = Parameters<typeof runOfRow>[0];

/** Each schedule's newest run, by its planned moment. One row per schedule is read, however many years it has run. */
export async function newestRuns(): Promise<Map<string, RunSummary>> {
  const rows = await database().schedule.findMany({
    where: { removedAt: null },
    select: { id: true, runs: { orderBy: { plannedFor: "desc" }, take: 1 } },
  });
  return new Map(rows.flatMap(({ id, runs }) => runs.map((run) => [id, summaryOf(run)] as const)));
}

export async function runsOfSchedule(scheduleId: string, limit: number): Promise<RunDetail[]> {
  const rows = await database().scheduleRun.findMany({
    where: { scheduleId },
    orderBy: { plannedFor: "desc" },
    take: limit,
  });
  const runs: RunDetail[] = [];
  for (const row of rows) runs.push({ ...summaryOf(row), waves: (await wavesOfRun(row.id)).map(waveRowOf) });
  return runs;
}

function waveRowOf(wave: RunWave): WaveRow {
  return {
    index: wave.index,
    pcCount: wave.nodeIds.length,
    jobId: wave.job?.id ?? null,
    jobState: wave.job?.state ?? null,
    failure: wave.failure ?? wave.job?.failure ?? null,
    result: resultOfWave(wave),
  };
}

function summaryOf(row: Columns): RunSummary {
  return {
    id: row.id,
    scheduleId: row.scheduleId,
    state: row.state,
    plannedFor: row.plannedFor.toISOString(),
    beganAt: row.beganAt?.toISOString() ?? null,
    finishedAt: row.finishedAt?.toISOString() ?? null,
    expectedAt: row.expectedAt?.toISOString() ?? null,
    windowEndsAt: row.windowEndsAt?.toISOString() ?? null,
    reason: row.reason,
    pcCount: row.nodeIds.length,
  };
}
