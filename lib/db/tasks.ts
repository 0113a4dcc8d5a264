// Rows of tasks as agents and processors move them: lease, heartbeat, finish, fail, lose. Each is one compare-and-set on
// state and lease, so of twenty callers one wins and the others are told; an agent with an old lease changes nothing.
import type { FailureReport, RetryAdvice } from "#lib/model/errors.ts";
import type { TaskStep } from "#lib/model/job.ts";
import { database, inTransaction, type Transaction } from "./client.ts";
import { describeLease, type LeasedTask } from "./leased-task.ts";
import { notify } from "./notify.ts";
import { taskStatesMovedBy } from "./transitions.ts";

/** How often a task that failed with the advice "later" is tried in all. */
export const TASK_ATTEMPTS_MAX = 3;
/** How often a task may be leased when agents or workers vanish in between. More than for failures: every lease
 *  continues where the last one stopped, so a PC that is switched off again and again still gets on. */
export const TASK_LEASES_MAX = 12;

export interface TaskProgress {
  readonly step: TaskStep;
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export type Verdict = "done" | "lost";

/** The node's next ready task, now running under `leaseId`; null when there is none or one is running already. */
export async function leaseTask(nodeId: string, leaseId: string): Promise<LeasedTask | null> {
  // Every idle node looks every two seconds: one indexed query tells almost all of them that there is nothing to lock for.
  const waiting = await database().task.findFirst({
    where: { nodeId, state: { in: taskStatesMovedBy("lease", "running") } },
    select: { id: true },
  });
  if (waiting === null) return null;
  const taskId = await inTransaction(async (tx) => {
    // Locking the node's row makes "one running task per node" hold however many leases are asked for at once.
    await tx.$queryRaw`SELECT id FROM nodes WHERE id = ${nodeId} FOR UPDATE`;
    const node = await tx.node.findUnique({ where: { id: nodeId }, select: { lifeCycle: true } });
    if (node?.lifeCycle !== "enrolled") return null;
    const running = await tx.task.findFirst({ where: { nodeId, state: "running" }, select: { id: true } });
    if (running !== null) return null;
    const next = await tx.task.findFirst({
      where: { nodeId, state: { in: taskStatesMovedBy("lease", "running") }, job: { state: "running" } },
      orderBy: [{ readyAt: "asc" }, { id: "asc" }],
      select: { id: true, jobId: true, startedAt: true },
    });
    if (next === null) return null;
    const now = new Date();
    await tx.task.update({
      where: { id: next.id },
      data: {
        state: "running",
        leaseId,
        step: "leased",
        attempt: { increment: 1 },
        startedAt: next.startedAt ?? now,
        heartbeatAt: now,
        doneBytes: 0n,
      },
    });
    await notify("jobs", next.jobId, tx);
    return next.id;
  });
  return taskId === null ? null : describeLease(taskId, nodeId);
}

export async function heartbeatTask(
  taskId: string,
  leaseId: string,
  progress: TaskProgress,
): Promise<"continue" | "cancel" | "lost"> {
  const beaten = await database().task.updateManyAndReturn({
    where: { id: taskId, leaseId, state: "running" },
    data: {
      step: progress.step,
      doneBytes: BigInt(progress.doneBytes),
      totalBytes: BigInt(progress.totalBytes),
      heartbeatAt: new Date(),
    },
    select: { jobId: true, nodeId: true, job: { select: { cancelAskedAt: true } } },
  });
  const task = beaten[0];
  if (task === undefined) return "lost";
  if (task.nodeId !== null) {
    await database().node.updateMany({ where: { id: task.nodeId }, data: { lastSeenAt: new Date() } });
  }
  await notify("jobs", task.jobId);
  return task.job.cancelAskedAt === null ? "continue" : "cancel";
}

/** "done" also when this very lease had finished it before: an agent repeats its result until it is answered. */
export async function finishTask(taskId: string, leaseId: string, report: object): Promise<Verdict> {
  return inTransaction(async (tx) => {
    const moved = await tx.task.updateManyAndReturn({
      where: { id: taskId, leaseId, state: { in: taskStatesMovedBy("finish", "succeeded") } },
      data: {
        state: "succeeded",
        step: "done",
        report,
        finishedAt: new Date(),
        failureCode: null,
        failureMessage: null,
        failureHint: null,
      },
      select: { jobId: true, nodeId: true, totalBytes: true },
    });
    const task = moved[0];
    if (task === undefined) return answerRepeated(tx, taskId, leaseId, "succeeded");
    await tx.task.update({ where: { id: taskId }, data: { doneBytes: task.totalBytes } });
    await tellWatchers(tx, task);
    return "done";
  });
}

/** A failure that may pass ("later") makes the task ready again while attempts remain. */
export async function failTask(
  taskId: string,
  leaseId: string,
  failure: FailureReport,
  retry: RetryAdvice,
): Promise<Verdict> {
  return inTransaction(async (tx) => {
    const task = await lockRunning(tx, taskId, leaseId);
    if (task === null)
      return answerRepeated(tx, taskId, leaseId, failure.code === "job-cancelled" ? "cancelled" : "failed");
    const again = retry === "later" && task.attempt < TASK_ATTEMPTS_MAX && !task.cancelAsked;
    if (again) {
      await putBack(tx, taskId, failure);
      await tx.taskEvent.create({
        data: { taskId, step: "waiting", message: `Trying again: ${failure.message}` },
      });
    } else await end(tx, taskId, failure.code === "job-cancelled" ? "cancelled" : "failed", failure);
    await tellWatchers(tx, task);
    return "done";
  });
}

/** The agent stopped because it was told to. */
export async function cancelTask(taskId: string, leaseId: string): Promise<Verdict> {
  return failTask(taskId, leaseId, CANCELLED, "never");
}

/** The agent fell silent or came back anew: its task may be leased again and continues. */
export async function loseAgent(taskId: string, leaseId: string): Promise<Verdict> {
  return inTransaction(async (tx) => {
    const task = await lockRunning(tx, taskId, leaseId);
    if (task === null) return "lost";
    if (task.cancelAsked) await end(tx, taskId, "cancelled", CANCELLED);
    else if (task.attempt < TASK_LEASES_MAX) await putBack(tx, taskId, null);
    else await end(tx, taskId, "failed", lostTooOften(task.attempt));
    await tellWatchers(tx, task);
    return "done";
  });
}

const CANCELLED: FailureReport = {
  code: "job-cancelled",
  message: "The job was cancelled while this task ran.",
  hint: "If it was a restore, the partition is part old and part new: restore it again before using the PC.",
};

function lostTooOften(attempts: number): FailureReport {
  return {
    code: "agent-lost",
    message: `The PC's agent vanished in each of ${attempts} attempts.`,
    hint: "Check the PC's power and network, then run the job again; it continues where it stopped.",
  };
}

/** Where a PC stands in its chain. Only for people: it may be a second old. */
export interface ChainPlace {
  readonly rank: number;
  /** The node it takes pages from, "gateway", or null when it looks for one. */
  readonly above: string | null;
  /** Since its agent took part: over its lines, and onto its disk. */
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly writtenBytes: number;
  /** Pages wait for its disk. */
  readonly isDiskBehind: boolean;
}

export async function noteChainPlace(taskId: string, leaseId: string, place: ChainPlace): Promise<void> {
  await database().task.updateMany({
    where: { id: taskId, leaseId, state: "running" },
    data: { chain: { ...place } },
  });
}

export async function addTaskEvent(taskId: string, step: string, message: string): Promise<void> {
  await database().taskEvent.create({ data: { taskId, step, message: message.slice(0, 2_000) } });
}

export interface SilentTask {
  readonly taskId: string;
  readonly leaseId: string;
  readonly nodeId: string | null;
}

/** Running tasks of nodes whose last heartbeat is older than `silentMs`. */
export async function runningTasksWithoutHeartbeatSince(silentMs: number): Promise<SilentTask[]> {
  const rows = await database().task.findMany({
    where: { state: "running", nodeId: { not: null }, heartbeatAt: { lt: new Date(Date.now() - silentMs) } },
    select: { id: true, leaseId: true, nodeId: true },
  });
  return rows.flatMap((row) =>
    row.leaseId === null ? [] : [{ taskId: row.id, leaseId: row.leaseId, nodeId: row.nodeId }],
  );
}

/** The task a node runs now: an agent that says hello anew has lost it. */
export async function runningTaskOfNode(nodeId: string): Promise<SilentTask | null> {
  const row = await database().task.findFirst({
    where: { nodeId, state: "running" },
    select: { id: true, leaseId: true },
  });
  return row?.leaseId == null ? null : { taskId: row.id, leaseId: row.leaseId, nodeId };
}

/** Ready tasks whose node has been silent for `waitMs`, and was already when the task became ready that long ago. */
export async function failTasksOfOfflineNodes(waitMs: number): Promise<number> {
  const before = new Date(Date.now() - waitMs);
  const rows = await database().task.findMany({
    where: {
      state: "ready",
      readyAt: { lt: before },
      node: { OR: [{ lastSeenAt: null }, { lastSeenAt: { lt: before } }] },
    },
    select: { id: true, jobId: true, nodeId: true, node: { select: { name: true } } },
  });
  let failed = 0;
  for (const row of rows) {
    const failure: FailureReport = {
      code: "node-offline",
      message: `${row.node?.name ?? "The node"} was not heard for ${Math.round(waitMs / 1000)} s.`,
      hint: "Switch the PC on with its agent, then run the job again for the failed nodes.",
    };
    failed += await inTransaction(async (tx) => {
      const count = await end(tx, row.id, "failed", failure, ["ready"]);
      if (count > 0) await tellWatchers(tx, row);
      return count;
    });
  }
  return failed;
}

async function lockRunning(
  tx: Transaction,
  taskId: string,
  leaseId: string,
): Promise<{ jobId: string; nodeId: string | null; attempt: number; cancelAsked: boolean } | null> {
  await tx.$queryRaw`SELECT id FROM tasks WHERE id = ${taskId} FOR UPDATE`;
  const task = await tx.task.findFirst({
    where: { id: taskId, leaseId, state: "running" },
    select: { jobId: true, nodeId: true, attempt: true, job: { select: { cancelAskedAt: true } } },
  });
  if (task === null) return null;
  const { jobId, nodeId, attempt } = task;
  return { jobId, nodeId, attempt, cancelAsked: task.job.cancelAskedAt !== null };
}

async function putBack(tx: Transaction, taskId: string, failure: FailureReport | null): Promise<void> {
  await tx.task.updateMany({
    where: { id: taskId, state: { in: taskStatesMovedBy("lose-agent", "ready") } },
    data: {
      state: "ready",
      step: "waiting",
      leaseId: null,
      readyAt: new Date(),
      failureCode: failure?.code ?? null,
      failureMessage: failure?.message ?? null,
      failureHint: failure?.hint ?? null,
    },
  });
}

/** Ends a task; the lease stays in the row so that a repeated result finds that it was its own. */
async function end(
  tx: Transaction,
  taskId: string,
  state: "failed" | "cancelled",
  failure: FailureReport,
  from = taskStatesMovedBy(state === "failed" ? "fail" : "cancel", state),
): Promise<number> {
  const { count } = await tx.task.updateMany({
    where: { id: taskId, state: { in: from } },
    data: {
      state,
      finishedAt: new Date(),
      failureCode: failure.code,
      failureMessage: failure.message.slice(0, 2_000),
      failureHint: failure.hint,
    },
  });
  return count;
}

async function answerRepeated(
  tx: Transaction,
  taskId: string,
  leaseId: string,
  state: "succeeded" | "failed" | "cancelled",
): Promise<Verdict> {
  const ended = await tx.task.findFirst({ where: { id: taskId, leaseId, state }, select: { id: true } });
  return ended === null ? "lost" : "done";
}

async function tellWatchers(
  tx: Transaction,
  task: { readonly jobId: string; readonly nodeId: string | null },
): Promise<void> {
  await notify("jobs", task.jobId, tx);
  if (task.nodeId !== null) await notify("tasks", task.nodeId, tx);
}
