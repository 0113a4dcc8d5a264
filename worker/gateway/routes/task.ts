// A running task's heartbeat and its end. The database is asked each time: it alone knows whether the lease still holds.
//
// The end of an archive is written in this order: commit in the repository, the snapshot's row, the task's row. Whatever breaks
// in between is made good by the same request repeated, or by the next lease of the task, which finds the snapshot.
import { compressionInWords } from "#lib/model/compression.ts";
import { CodedError, failureReportOf } from "#lib/model/errors.ts";
import type { SnapshotRecord } from "#lib/model/snapshot.ts";
import {
  HeartbeatRequest,
  type HeartbeatResponse,
  type ImageResult,
  ResultRequest,
  type ResultResponse,
} from "#lib/protocol/control.ts";
import { commitOnce, finishImage } from "../archive-sessions.ts";
import type { GatewayContext } from "../context.ts";
import type { Exchange } from "../exchange.ts";
import { answer, readJson } from "../http.ts";
import { requireLease } from "../lease-of.ts";
import type { Lease } from "../leases.ts";

export async function heartbeatRoute(
  context: GatewayContext,
  { request, response, keyHash }: Exchange,
  taskId: string,
  leaseId: string | undefined,
): Promise<void> {
  const progress = await readJson(request, HeartbeatRequest);
  const lease = await requireLease(context, taskId, leaseId, keyHash);
  const verdict = await context.store.heartbeatTask(taskId, lease.leaseId, progress);
  if (lease.message.kind === "archive") context.archives.require(taskId);
  // A cancelled lease stays until the agent has said that it stopped; a lost one is nobody's any more.
  if (verdict === "lost") context.leases.end(taskId);
  answer(response, { verdict } satisfies HeartbeatResponse);
}

export async function resultRoute(
  context: GatewayContext,
  { request, response, keyHash }: Exchange,
  taskId: string,
  leaseId: string | undefined,
): Promise<void> {
  const message = await readJson(request, ResultRequest);
  const lease = await requireLease(context, taskId, leaseId, keyHash);
  const verdict = await settle(context, lease, message);
  context.leases.end(taskId);
  context.chains.left(lease.task, lease.nodeId);
  answer(response, { verdict: verdict === "done" ? "accepted" : "lost" } satisfies ResultResponse);
}

async function settle(
  context: GatewayContext,
  lease: Lease,
  message: ResultRequest,
): Promise<"done" | "lost"> {
  if (message.outcome === "succeeded") {
    return lease.message.kind === "archive"
      ? finishArchive(context, lease, message.images)
      : finishRestore(context, lease, message);
  }
  const { taskId } = lease.task;
  await context.archives.abort(taskId);
  if (message.outcome === "cancelled") return context.store.cancelTask(taskId, lease.leaseId);
  const { failure, retry = "never" } = message;
  context.log.warn(`A task of ${lease.task.nodeName} failed: ${failure.message}`, {
    taskId,
    code: failure.code,
  });
  return context.store.failTask(taskId, lease.leaseId, failure, retry);
}

async function finishArchive(
  context: GatewayContext,
  lease: Lease,
  results: readonly ImageResult[],
): Promise<"done" | "lost"> {
  const { taskId, jobId } = lease.task;
  const archive = context.archives.require(taskId);
  if (archive.committing === null) {
    const { sizeBytes: totalBytes } = sumOf(archive.images.map(({ message }) => message));
    const progress = { step: "committing" as const, doneBytes: totalBytes, totalBytes };
    const verdict = await context.store.heartbeatTask(taskId, lease.leaseId, progress);
    if (verdict !== "continue") {
      await context.archives.abort(taskId);
      return verdict === "cancel" ? context.store.cancelTask(taskId, lease.leaseId) : "lost";
    }
  }
  let record: SnapshotRecord;
  try {
    await Promise.all(archive.images.map(({ message }) => finishImage(archive, message.image)));
    record = await commitOnce(archive);
  } catch (thrown) {
    await context.archives.abort(taskId);
    const retry = thrown instanceof CodedError ? thrown.retry : "never";
    return context.store.failTask(taskId, lease.leaseId, failureReportOf(thrown), retry);
  }
  const { compression } = lease.task.storage;
  await context.store.recordSnapshot(record, {
    repositoryId: context.repository.info.id,
    jobId,
    compression: compression === undefined ? null : compressionInWords(compression),
  });
  const verdict = await context.store.finishTask(taskId, lease.leaseId, archiveReport(record, results));
  await context.archives.abort(taskId);
  return verdict;
}

/** The agent read everything back; what it found must be what the snapshot says. */
async function finishRestore(
  context: GatewayContext,
  lease: Lease,
  { images: results, chain, recipes = [] }: Extract<ResultRequest, { outcome: "succeeded" }>,
): Promise<"done" | "lost"> {
  const { taskId, snapshotId } = lease.task;
  const wrong = lease.message.images.find((image) => {
    const result = results.find((candidate) => candidate.image === image.image);
    return !("contentRoot" in image) || result?.contentRoot !== image.contentRoot;
  });
  if (wrong !== undefined) {
    const failure = {
      code: "page-corrupt",
      message: `${wrong.partition} of ${lease.task.nodeName} was not restored to what the snapshot holds.`,
      hint: "Check the PC's disk (smartctl -a), then restore again.",
    } as const;
    return context.store.failTask(taskId, lease.leaseId, failure, "later");
  }
  const wished = lease.message.kind === "restore" ? (lease.message.recipes ?? []) : [];
  if (recipes.length !== wished.length) {
    const failure = {
      code: "protocol-violation",
      message: `The agent of ${lease.task.nodeName} carried out ${recipes.length} of ${wished.length} recipes.`,
      hint: "Its agent is older than the server: update the maintenance system, then localize again.",
    } as const;
    return context.store.failTask(taskId, lease.leaseId, failure, "never");
  }
  const report = {
    kind: lease.task.kind,
    snapshotId,
    ...taskSums(results),
    ...(chain === undefined ? {} : { chain }),
    ...(recipes.length === 0 ? {} : { recipes }),
    seconds: secondsOf(lease),
    images: results,
  };
  return context.store.finishTask(taskId, lease.leaseId, report);
}

/** What is kept in the task's row of an archive. */
export function archiveReport(record: SnapshotRecord, results: readonly ImageResult[]): object {
  const sum = (size: (image: SnapshotRecord["images"][number]) => number) =>
    record.images.reduce((total, image) => total + size(image), 0);
  return {
    kind: "archive",
    snapshotId: record.id,
    ...taskSums(results),
    sizeBytes: sum((image) => image.sizeBytes),
    newBytes: sum((image) => image.newBytes),
    storedBytes: sum((image) => image.storedBytes),
    seconds: record.seconds,
  };
}

function taskSums(results: readonly ImageResult[]) {
  return {
    readBytes: results.reduce((total, image) => total + image.readBytes, 0),
    differingBytes: results.reduce((total, image) => total + image.differingBytes, 0),
    writtenBytes: results.reduce((total, image) => total + image.writtenBytes, 0),
  };
}

function sumOf(images: readonly { readonly sizeBytes: number }[]): { sizeBytes: number } {
  return { sizeBytes: images.reduce((total, image) => total + image.sizeBytes, 0) };
}

function secondsOf(lease: Lease): number {
  return (Date.now() - lease.startedMs) / 1000;
}
