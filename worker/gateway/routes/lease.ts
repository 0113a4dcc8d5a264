// The long poll by which an idle agent gets its next task. A task whose work is already done (its snapshot was committed, but
// the row was not written before a crash) is completed here instead of being given out again.
import { systemRandom } from "#lib/model/clock.ts";
import { CodedError, failureReportOf } from "#lib/model/errors.ts";
import { newId } from "#lib/model/ids.ts";
import { LeaseRequest, type TaskMessage } from "#lib/protocol/control.ts";
import type { GatewayContext } from "../context.ts";
import type { Exchange } from "../exchange.ts";
import { answer, readJson } from "../http.ts";
import { newLease, writingWork } from "../lease-of.ts";
import type { Lease } from "../leases.ts";
import type { GatewayNode, LeasedTask } from "../store.ts";
import { enrolledNode, releaseLeftover } from "./enrolment.ts";
import { archiveReport } from "./task.ts";

// A lost hint costs at most this.
const LOOK_ANYWAY_MS = 2_000;

export async function leaseRoute(context: GatewayContext, exchange: Exchange): Promise<void> {
  const { waitMs } = await readJson(exchange.request, LeaseRequest);
  const node = await enrolledNode(context, exchange);
  await context.store.touchNode(node.id);
  await releaseLeftover(context, node);
  const wake = context.wakes.listen(node.id);
  try {
    const giveUpAt = Date.now() + waitMs;
    for (;;) {
      const lease = exchange.signal.aborted ? null : await nextLease(context, node, exchange.keyHash);
      const restMs = giveUpAt - Date.now();
      if (lease === null && restMs > 0 && !exchange.signal.aborted) {
        await wake.sleep(Math.min(LOOK_ANYWAY_MS, restMs), exchange.signal);
        continue;
      }
      if (lease !== null && exchange.signal.aborted) await giveBack(context, lease);
      else answer(exchange.response, { task: lease?.message ?? null });
      return;
    }
  } finally {
    wake.close();
  }
}

/** Null when there is nothing to do, or no room for more at once: the poll looks again. */
async function nextLease(context: GatewayContext, node: GatewayNode, keyHash: string): Promise<Lease | null> {
  if (!context.leases.reserve()) return null;
  try {
    return await grantLease(context, node, keyHash);
  } finally {
    context.leases.unreserve();
  }
}

/** Tasks that need no agent or cannot be given out are settled on the way; bounded by the node's ready tasks. */
async function grantLease(
  context: GatewayContext,
  node: GatewayNode,
  keyHash: string,
): Promise<Lease | null> {
  for (;;) {
    const leaseId = newId("token", systemRandom);
    const task = await context.store.leaseTask(node.id, leaseId);
    if (task === null) return null;
    try {
      const work = await workFor(context, task, leaseId, node.id);
      if (work === null) continue;
      const lease = newLease({ leaseId, nodeId: node.id, keyHash, task, ...work });
      context.leases.add(lease);
      await context.store.addTaskEvent(
        task.taskId,
        "leased",
        `${node.name} begins (attempt ${task.attempt}).`,
      );
      return lease;
    } catch (thrown) {
      const retry = thrown instanceof CodedError ? thrown.retry : "never";
      context.log.error(`A task of ${node.name} cannot be given out.`, {
        taskId: task.taskId,
        error: String(thrown),
      });
      await context.store.failTask(task.taskId, leaseId, failureReportOf(thrown), retry);
    }
  }
}

/** What the agent is to do; null when the task turned out to be done already. */
async function workFor(
  context: GatewayContext,
  task: LeasedTask,
  leaseId: string,
  nodeId: string,
): Promise<Pick<Lease, "message"> | Pick<Lease, "message" | "localized"> | null> {
  if (task.kind !== "archive") return writingWork(context, task, leaseId, nodeId);
  const message = await archiveMessage(context, task, leaseId);
  return message === null ? null : { message };
}

async function archiveMessage(
  context: GatewayContext,
  task: LeasedTask,
  leaseId: string,
): Promise<TaskMessage | null> {
  const done = await context.archives.madeBefore(task.taskId);
  if (done !== null) {
    await context.archives.abort(task.taskId);
    await context.store.recordSnapshot(done, { repositoryId: context.repository.info.id, jobId: task.jobId });
    await context.store.finishTask(task.taskId, leaseId, archiveReport(done, []));
    return null;
  }
  const archive = await context.archives.open(task);
  const images = archive.images.map(({ message }) => message);
  if (images.length === 0) {
    throw new CodedError("source-missing", `${task.nodeName} has told of no disk that could be archived.`, {
      hint: "Check the PC's disks and the agent's --disk arguments, then restart the agent.",
    });
  }
  return { kind: "archive", taskId: task.taskId, leaseId, snapshotId: archive.session.snapshotId, images };
}

async function giveBack(context: GatewayContext, lease: Lease): Promise<void> {
  context.leases.end(lease.task.taskId);
  await context.store.loseAgent(lease.task.taskId, lease.leaseId);
}
