// Leases as this worker's memory has them: made when a task is given out, and taken up from the database by a worker that has
// just begun, so that a restore in progress does not notice.
import { CodedError } from "#lib/model/errors.ts";
import type { TaskMessage } from "#lib/protocol/control.ts";
import type { GatewayContext } from "./context.ts";
import type { Lease } from "./leases.ts";
import type { LeasedTask } from "./store.ts";
import { imagesToRestore } from "./task-images.ts";

export function newLease(of: Pick<Lease, "leaseId" | "nodeId" | "keyHash" | "task" | "message">): Lease {
  const now = Date.now();
  return { ...of, startedMs: now, lastHeardMs: now, ended: new AbortController(), readers: new Map() };
}

/** The lease this request speaks for. A gateway that began anew takes up those of restores from the database: their pages
 *  may come from neighbours, and who is to be read next is in the request. An archive's session is gone with the process. */
export async function requireLease(
  context: GatewayContext,
  taskId: string,
  leaseId: string | undefined,
  keyHash: string,
): Promise<Lease> {
  if (!context.leases.has(taskId) && leaseId !== undefined) await takeUp(context, taskId, leaseId, keyHash);
  return context.leases.require(taskId, leaseId, keyHash);
}

async function takeUp(
  context: GatewayContext,
  taskId: string,
  leaseId: string,
  keyHash: string,
): Promise<void> {
  const node = await context.store.findNodeByKeyHash(keyHash);
  const task = await context.store.findLeased(taskId, leaseId);
  if (task === null || node?.id !== task.nodeId || task.kind !== "restore" || context.leases.has(taskId))
    return;
  const message = restoreMessage(context, task, leaseId, node.id);
  context.leases.add(newLease({ leaseId, nodeId: node.id, keyHash, task, message }));
}

export function restoreMessage(
  context: GatewayContext,
  task: LeasedTask,
  leaseId: string,
  nodeId: string,
): TaskMessage {
  if (task.kind !== "restore" || task.snapshotId === null) {
    throw new CodedError("internal", `Task ${task.taskId} (${task.kind}) is not for an agent.`);
  }
  const record = context.repository.snapshot(task.snapshotId);
  const images = imagesToRestore(record, task).map(({ message }) => message);
  const chain = context.chains.offerFor(task, nodeId);
  return {
    kind: "restore",
    taskId: task.taskId,
    leaseId,
    snapshotId: record.id,
    images,
    ...(chain && { chain }),
    ...(task.replacesLayout && { replacesLayout: true }),
  };
}
