// Leases as this worker's memory has them: made when a task is given out, and taken up from the database by a worker that has
// just begun, so that a restore in progress does not notice.
import { CodedError } from "#lib/model/errors.ts";
import type { TaskMessage } from "#lib/protocol/control.ts";
import type { RecipeMessage } from "#lib/protocol/recipe.ts";
import { openLocalizedImages, renderWork } from "../localize/localize-images.ts";
import type { LocalizedImage } from "../localize/served-image.ts";
import type { GatewayContext } from "./context.ts";
import type { Lease } from "./leases.ts";
import type { LeasedTask } from "./store.ts";
import { imagesToRestore } from "./task-images.ts";

export function newLease(
  of: Pick<Lease, "leaseId" | "nodeId" | "keyHash" | "task" | "message"> & Partial<Pick<Lease, "localized">>,
): Lease {
  const now = Date.now();
  return {
    localized: new Map(),
    ...of,
    startedMs: now,
    lastHeardMs: now,
    ended: new AbortController(),
    readers: new Map(),
  };
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
  if (task === null || node?.id !== task.nodeId || context.leases.has(taskId)) return;
  if (task.kind !== "restore" && task.kind !== "localize") return;
  const work = await writingWork(context, task, leaseId, node.id);
  context.leases.add(newLease({ leaseId, nodeId: node.id, keyHash, task, ...work }));
}

/** What a task that writes to a PC's disks is told, and the images that are that PC's own. */
export async function writingWork(
  context: GatewayContext,
  task: LeasedTask,
  leaseId: string,
  nodeId: string,
): Promise<Pick<Lease, "message" | "localized">> {
  const message = restoreMessage(context, task, leaseId, nodeId);
  if (task.kind !== "localize" || message.kind !== "restore") return { message, localized: new Map() };
  const { snapshotId } = message;
  const work = await context.store.findLocalization(task.localizationId ?? "", snapshotId);
  if (work === null) {
    throw new CodedError("release-unknown", "The master of this task is none any more.", {
      hint: "Release it again, then plan again.",
    });
  }
  const rendered = renderWork(work);
  const localized = await openLocalizedImages(
    context.repository,
    snapshotId,
    rendered,
    context.closing.signal,
  );
  const images = withOwnRoots(context, task, message, localized);
  const recipes = onDisks(context, task, message, rendered.recipes);
  return { message: { ...message, images, ...(recipes.length > 0 && { recipes }) }, localized };
}

/** Recipes name images of the snapshot; the agent knows disks and their partitions. */
function onDisks(
  context: GatewayContext,
  task: LeasedTask,
  { snapshotId }: Extract<TaskMessage, { kind: "restore" }>,
  recipes: readonly RecipeMessage[],
) {
  const images = imagesToRestore(context.repository.snapshot(snapshotId), task);
  return recipes.map((recipe) => {
    const image = images.find(({ name }) => name === recipe.partition)?.message;
    if (image !== undefined)
      return { diskSerial: image.diskSerial, recipe: { ...recipe, partition: image.partition } };
    throw new CodedError(
      "localization-refused",
      `A recipe changes ${recipe.partition}, which the PC does not get.`,
      {
        hint: "Correct the recipe on the masters' page.",
      },
    );
  });
}

/** The agent reads back and compares with what the PC's own image is, not the master's. */
function withOwnRoots(
  context: GatewayContext,
  task: LeasedTask,
  { snapshotId, images }: Extract<TaskMessage, { kind: "restore" }>,
  localized: ReadonlyMap<string, LocalizedImage>,
) {
  const names = imagesToRestore(context.repository.snapshot(snapshotId), task);
  return images.map((image) => {
    const own = localized.get(names[image.image]?.name ?? "");
    return own === undefined ? image : { ...image, contentRoot: own.contentRoot };
  });
}

function restoreMessage(
  context: GatewayContext,
  task: LeasedTask,
  leaseId: string,
  nodeId: string,
): TaskMessage {
  if ((task.kind !== "restore" && task.kind !== "localize") || task.snapshotId === null) {
    throw new CodedError("internal", `Task ${task.taskId} (${task.kind}) is not for an agent.`);
  }
  const record = context.repository.snapshot(task.snapshotId);
  const images = imagesToRestore(record, task).map(({ message }) => message);
  const chain = task.kind === "restore" ? context.chains.offerFor(task, nodeId) : undefined;
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
