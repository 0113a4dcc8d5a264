// advanceRun moves one run a step on: lets it begin when its window is open, makes the next wave's job, stops at the window's end,
// writes its end down. All decisions are in lib/schedule; all state is in rows. It may be called at any time, again after a crash, and
// by two workers at once: beginning is a compare-and-set, and a wave's job has a request id of its own.
import { groupIdsOfNodes, nodesInTurn } from "#lib/db/automation-nodes.ts";
import { listBlackouts, listWindows } from "#lib/db/calendar.ts";
import { askToCancel } from "#lib/db/jobs.ts";
import {
  beginRun,
  createWaveOnce,
  endRun,
  keepRunWaiting,
  noteOnRun,
  type OpenRun,
  openRuns,
  type RunWave,
  recordWaveFailure,
  recordWaveJob,
  secondsOfPastRuns,
  wavesOfRun,
} from "#lib/db/schedule-runs.ts";
import { stopStartingPcs } from "#lib/db/stop-starting.ts";
import { CodedError, type FailureReport, failureReportOf } from "#lib/model/errors.ts";
import { isFinalJobState } from "#lib/model/job.ts";
import type { Schedule } from "#lib/model/schedule.ts";
import { resultOfWave } from "#lib/model/wave-result.ts";
import { enqueue } from "#lib/queue/enqueue.ts";
import { type Forecast, forecastOf, PAST_RUNS } from "#lib/schedule/forecast.ts";
import { decideOverrun, type Overrun, secondsUntilOver } from "#lib/schedule/overrun.ts";
import { decideNextStep } from "#lib/schedule/steps.ts";
import { decideNext, inTurn } from "#lib/schedule/waves.ts";
import { type Gate, gateAt, rulesFor } from "#lib/schedule/windows.ts";
import { makeWaveJob } from "./wave-job.ts";

/** How long a run that nothing is known of may take before its alarm. */
const UNKNOWN_RUN_MS = 4 * 3600_000;

export async function advanceRun(open: OpenRun, nowMs: number): Promise<void> {
  if (open.run.state === "waiting") await beginWhenAllowed(open, nowMs);
  else await continueRun(open, nowMs);
}

async function beginWhenAllowed({ run, schedule, isRemoved }: OpenRun, nowMs: number): Promise<void> {
  if (isRemoved) return skip(run.id, "The schedule was removed before this run began.", nowMs);
  if (!schedule.enabled) return skip(run.id, "The schedule was switched off before this run began.", nowMs);
  const nextMs = schedule.nextRunAt === null ? null : Date.parse(schedule.nextRunAt);
  const gate = await gateOf(schedule, nowMs);
  const forecast = await forecastFor(schedule);
  const expectedMs = forecast === null ? null : forecast.seconds * 1000;
  const lateMs = (expectedMs ?? UNKNOWN_RUN_MS) + schedule.graceMinutes * 60_000;
  if (!gate.open) {
    if (schedule.whenClosed === "skip") return skip(run.id, gate.reason, nowMs);
    // A run that waits past the next one's moment would only be done twice in a row.
    if (nextMs !== null && (gate.opensAtMs === null || gate.opensAtMs >= nextMs))
      return skip(run.id, `${gate.reason} The next run comes before that.`, nowMs);
    return keepRunWaiting(run.id, gate.reason, (gate.opensAtMs ?? run.plannedForMs) + lateMs);
  }
  const before = await runBefore(run.id, schedule.id, run.plannedForMs);
  if (before !== null) return keepRunWaiting(run.id, before, run.plannedForMs + lateMs);
  const nodeIds = inTurn(await nodesInTurn(schedule.target, nowMs));
  const begun = await beginRun(
    run.id,
    {
      nodeIds,
      windowEndsAtMs: gate.untilMs,
      expectedAtMs: expectedMs === null ? null : nowMs + expectedMs,
      alarmAtMs: nowMs + lateMs,
    },
    nowMs,
  );
  if (!begun) return;
  const windowEndsAtMs = gate.untilMs;
  await continueRun(
    { run: { ...run, state: "running", nodeIds, windowEndsAtMs }, schedule, isRemoved },
    nowMs,
  );
}

async function skip(runId: string, reason: string, nowMs: number): Promise<void> {
  await endRun(runId, { state: "skipped", reason }, nowMs);
}

/** Null, or why the run has to wait for one of the same schedule. */
async function runBefore(runId: string, scheduleId: string, plannedForMs: number): Promise<string | null> {
  const earlier = (await openRuns()).find(
    ({ run }) => run.scheduleId === scheduleId && run.id !== runId && run.plannedForMs < plannedForMs,
  );
  return earlier === undefined ? null : "It waits for the run before it to end.";
}

/** Open or not, for whomever the schedule touches. */
async function gateOf(schedule: Schedule, nowMs: number): Promise<Gate> {
  const all = { windows: await listWindows(), blackouts: await listBlackouts(nowMs) };
  const groupIds = await groupIdsOfTarget(schedule);
  return gateAt(
    groupIds.map((groupId) => rulesFor(all, groupId)),
    nowMs,
  );
}

async function groupIdsOfTarget({ target }: Pick<Schedule, "target">): Promise<(string | null)[]> {
  if (target.kind === "classroom") return [target.groupId];
  return target.kind === "nodes" ? groupIdsOfNodes(target.nodeIds) : [null];
}

async function forecastFor(schedule: Schedule): Promise<Forecast | null> {
  return forecastOf(await secondsOfPastRuns(schedule, PAST_RUNS));
}

async function continueRun(open: OpenRun, nowMs: number): Promise<void> {
  const { run, schedule } = open;
  const overrun = decideOverrun(
    {
      whenOver: schedule.whenOver,
      windowEndsAtMs: run.windowEndsAtMs,
      timeZone: schedule.timeZone,
    },
    nowMs,
  );
  const waves = await madeWaves(open, nowMs, overrun);
  if (overrun !== null) await stopAtWindowsEnd(open, waves, overrun);
  if (schedule.target.kind === "repository") await continueSteps(open, waves, nowMs);
  else await continueWaves(open, waves, overrun, nowMs);
}

/** The run's waves; one that a crash left without its job gets it now, unless the window has ended meanwhile. */
async function madeWaves(open: OpenRun, nowMs: number, overrun: Overrun | null): Promise<RunWave[]> {
  const waves = await wavesOfRun(open.run.id);
  const bare = waves.find(({ job, failure }) => job === null && failure === null);
  if (bare === undefined) return waves;
  if (overrun === null) await makeJob(open, bare, planJobOf(waves, bare.index), nowMs);
  else await recordWaveFailure(open.run.id, bare.index, overFailure(overrun));
  return wavesOfRun(open.run.id);
}

function planJobOf(waves: readonly RunWave[], index: number): string | null {
  return waves.find((wave) => wave.index === index - 1)?.job?.id ?? null;
}

async function continueWaves(
  open: OpenRun,
  waves: readonly RunWave[],
  overrun: Overrun | null,
  nowMs: number,
): Promise<void> {
  const { run, schedule } = open;
  const next = decideNext({
    nodeIds: run.nodeIds,
    policy: schedule.waves,
    waves: waves.map((wave) => ({ nodeIds: wave.nodeIds, result: resultOfWave(wave) })),
    stopBecause: overrun?.because ?? cancelledBy(waves),
  });
  if (next.deed === "begin") return begin(open, next.index, next.nodeIds, null, nowMs);
  if (next.deed === "end")
    await endRun(run.id, { ...next, reason: next.reason ?? whyNothing(run.nodeIds, waves) }, nowMs);
}

/** Whoever cancels a wave's job means the run: the next wave must not begin behind their back. */
function cancelledBy(waves: readonly RunWave[]): string | null {
  return waves.some(({ job }) => job?.cancelAsked === true) ? "Somebody cancelled it" : null;
}

/** The end itself has nothing to say: then the words of a wave that no job could be made for. */
function whyNothing(nodeIds: readonly string[], waves: readonly RunWave[]): string | null {
  if (nodeIds.length === 0) return "There are no enrolled PCs in it.";
  return waves.find(({ failure }) => failure !== null)?.failure?.message ?? null;
}

const Drops = (report: unknown): number => {
  if (typeof report !== "object" || report === null || !("decisions" in report)) return 0;
  const { decisions } = report;
  return Array.isArray(decisions) ? decisions.filter((each) => each?.verdict === "drop").length : 0;
};

async function continueSteps(open: OpenRun, waves: readonly RunWave[], nowMs: number): Promise<void> {
  const next = decideNextStep(
    open.schedule.kind,
    waves.map(({ job, failure }) => ({
      job: job === null ? null : { id: job.id, state: job.state, drops: Drops(job.report) },
      failureMessage: failure?.message ?? null,
    })),
  );
  if (next.deed === "begin") await begin(open, next.index, [], next.planJobId, nowMs);
  else if (next.deed === "end") await endRun(open.run.id, next, nowMs);
}

async function begin(
  open: OpenRun,
  index: number,
  nodeIds: readonly string[],
  planJobId: string | null,
  nowMs: number,
): Promise<void> {
  await createWaveOnce(open.run.id, index, nodeIds);
  // Another worker may have written it with other PCs: the row says which.
  const wave = (await wavesOfRun(open.run.id)).find((candidate) => candidate.index === index);
  if (wave === undefined || wave.job !== null || wave.failure !== null) return;
  await makeJob(open, wave, planJobId, nowMs);
}

async function makeJob(
  { run, schedule }: OpenRun,
  wave: RunWave,
  planJobId: string | null,
  nowMs: number,
): Promise<void> {
  try {
    const jobId = await makeWaveJob(schedule, {
      runId: run.id,
      index: wave.index,
      nodeIds: wave.nodeIds,
      plannedForMs: run.plannedForMs,
      secondsMax: secondsUntilOver(
        { whenOver: schedule.whenOver, windowEndsAtMs: run.windowEndsAtMs },
        nowMs,
      ),
      planJobId,
    });
    await recordWaveJob(run.id, wave.index, jobId);
    await enqueue(jobId); // again, in case a crash came between row and ticket; a ticket still waiting is not added twice
  } catch (thrown) {
    if (thrown instanceof CodedError && thrown.retry === "later") throw thrown;
    await recordWaveFailure(run.id, wave.index, failureReportOf(thrown));
  }
}

async function stopAtWindowsEnd(
  { run }: OpenRun,
  waves: readonly RunWave[],
  overrun: Overrun,
): Promise<void> {
  const under = waves.flatMap(({ job }) => (job === null || isFinalJobState(job.state) ? [] : [job]));
  for (const job of under) {
    if (overrun.deed === "stop-starting") await stopStartingPcs(job.id, overFailure(overrun));
    else if (!job.cancelAsked) await askToCancel(job.id, overFailure(overrun));
  }
  if (under.length > 0) await noteOnRun(run.id, `${overrun.because}.`);
}

function overFailure({ because }: Overrun): FailureReport {
  return {
    code: "job-cancelled",
    message: `${because} before this began.`,
    hint: "Retry only the failed ones, or widen the window.",
  };
}
