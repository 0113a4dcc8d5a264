// Runs one leased task to its end: the work itself, a heartbeat beside it, and the result, repeated until the gateway has it.
import { CodedError, failureReportOf } from "#lib/model/errors.ts";
import {
  HEARTBEAT_MS,
  HeartbeatResponse,
  type ImageResult,
  type ResultRequest,
  ResultResponse,
  type TaskMessage,
} from "#lib/protocol/control.ts";
import type { GatewayClient } from "../gateway-client.ts";
import type { HashPool } from "../hash/hash-pool.ts";
import { backoffMs, pause } from "../retrying.ts";
import { archive } from "./archive.ts";
import { restore } from "./restore.ts";
import { type TaskContext, TaskProgress } from "./task-context.ts";

export interface TaskRun {
  readonly client: GatewayClient;
  readonly pool: HashPool;
  readonly diskPaths: readonly string[];
  readonly task: TaskMessage;
  /** The agent is being stopped: the task is dropped as it stands, and leased again at the next start. */
  readonly stop: AbortSignal;
}

const RESULT_RETRY_MS_MAX = 10_000;
// A heartbeat that is not answered in this time is not worth waiting for: the next one is due.
const HEARTBEAT_SILENCE_MS_MAX = 10_000;

const CANCELLED = new CodedError("job-cancelled", "The job was cancelled.");
const LOST = new CodedError("agent-lost", "The lease was lost.");

/** Answers how it ended, in words for the log. */
export async function runTask(run: TaskRun): Promise<string> {
  const verdict = new AbortController();
  const signal = AbortSignal.any([verdict.signal, run.stop]);
  const context: TaskContext = {
    client: run.client,
    pool: run.pool,
    diskPaths: run.diskPaths,
    taskId: run.task.taskId,
    leaseId: run.task.leaseId,
    signal,
    progress: new TaskProgress(),
  };
  const finished = new AbortController();
  const beating = heartbeats(context, verdict, AbortSignal.any([finished.signal, run.stop]));
  try {
    const message = await outcomeOf(context, run.task);
    if (message === null) return "the lease was lost; dropped";
    return await report(context, message, run.stop);
  } finally {
    finished.abort();
    await beating;
  }
}

/** Null when the task is no longer ours to report on. */
async function outcomeOf(context: TaskContext, task: TaskMessage): Promise<ResultRequest | null> {
  try {
    const images = await work(context, task);
    const { chain, recipes } = context.progress;
    return {
      outcome: "succeeded",
      images,
      ...(chain === null ? {} : { chain }),
      ...(recipes.length === 0 ? {} : { recipes: [...recipes] }),
    };
  } catch (thrown) {
    if (context.signal.aborted && context.signal.reason === CANCELLED) return { outcome: "cancelled" };
    if (context.signal.aborted || isLost(thrown)) return null;
    const { code, message, hint } = failureReportOf(thrown);
    const retry = thrown instanceof CodedError ? thrown.retry : "never";
    return { outcome: "failed", failure: { code, message: message.slice(0, 2000), hint }, retry };
  }
}

function work(context: TaskContext, task: TaskMessage): Promise<ImageResult[]> {
  return task.kind === "archive" ? archive(context, task) : restore(context, task);
}

async function report(context: TaskContext, message: ResultRequest, stop: AbortSignal): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    try {
      const { verdict } = await context.client.call(
        `tasks/${context.taskId}/result`,
        message,
        ResultResponse,
        {
          leaseId: context.leaseId,
          signal: stop,
        },
      );
      return verdict === "accepted" ? wordsOf(message) : "the server had given it up";
    } catch (thrown) {
      stop.throwIfAborted();
      if (isLost(thrown)) return "the lease was lost; dropped";
      if (thrown instanceof CodedError && thrown.retry === "never") return `not accepted: ${thrown.message}`;
      await pause(backoffMs(attempt, RESULT_RETRY_MS_MAX), stop);
    }
  }
}

/** Beats until told to end. What it hears ends the work; that it is not heard does not, since the network may come back. */
async function heartbeats(context: TaskContext, verdict: AbortController, end: AbortSignal): Promise<void> {
  while (!end.aborted) {
    try {
      const { step, doneBytes, totalBytes } = context.progress;
      const heard = await context.client.call(
        `tasks/${context.taskId}/heartbeat`,
        { step, doneBytes, totalBytes },
        HeartbeatResponse,
        { leaseId: context.leaseId, signal: end, silenceMsMax: HEARTBEAT_SILENCE_MS_MAX },
      );
      if (heard.verdict === "cancel") verdict.abort(CANCELLED);
      if (heard.verdict === "lost") verdict.abort(LOST);
    } catch (thrown) {
      if (isLost(thrown)) verdict.abort(LOST);
    }
    await pause(HEARTBEAT_MS, end).catch(() => undefined); // Only ever cut short by `end`, which the loop looks at.
  }
}

function isLost(thrown: unknown): boolean {
  return thrown instanceof CodedError && thrown.code === "agent-lost";
}

function wordsOf(message: ResultRequest): string {
  if (message.outcome === "cancelled") return "cancelled";
  if (message.outcome === "failed") return `failed: ${message.failure.message}`;
  const written = message.images.reduce((sum, image) => sum + image.writtenBytes, 0);
  const sent = message.images.reduce((sum, image) => sum + image.differingBytes, 0);
  const through = message.chain === undefined ? "" : `, ${message.chain.fromNeighboursBytes} from neighbours`;
  return `succeeded, ${sent} bytes differed, ${written} bytes written${through}`;
}
