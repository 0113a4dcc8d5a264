// Planning a roll back: what would be restored where, what is left out and why, and how many bytes are at stake. Deciding is
// pure (decideRestorePlan); the command collects facts, decides, and keeps the plan under its hash for half an hour.
import { createHash } from "node:crypto";
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { recordAudit } from "#lib/db/audit.ts";
import { createPlan } from "#lib/db/plans.ts";
import { systemRandom } from "#lib/model/clock.ts";
import { newId } from "#lib/model/ids.ts";
import { DISK_LAYOUT, type DiskInfo } from "#lib/model/node.ts";
import type { RestorePlan, RestorePlanItem, SkipReason } from "#lib/model/plan.ts";
import type { ImageRecord } from "#lib/model/snapshot.ts";
import { formatBytes } from "#lib/model/units.ts";
import { Id, parseInput } from "./input.ts";
import { collectRestoreFacts, type NodeRestoreFacts, type RestoreFacts } from "./restore-facts.ts";

const PLAN_VALID_MS = 30 * 60_000;

export const PlanRestoreInput = z.object({
  kind: z.enum(["restore-node", "roll-back-classroom"]),
  subjectId: Id,
  at: z.string().min(1).max(64),
});

export async function planRestore(
  viewer: Viewer,
  input: z.input<typeof PlanRestoreInput>,
): Promise<RestorePlan> {
  permit(viewer, "restore");
  const now = Date.now();
  const decided = decideRestorePlan(await collectRestoreFacts(parseInput(PlanRestoreInput, input), now));
  const plan: RestorePlan = {
    id: newId("plan", systemRandom),
    ...decided,
    createdAt: new Date(now).toISOString(),
    expiresAt: new Date(now + PLAN_VALID_MS).toISOString(),
  };
  await createPlan(plan, viewer.id);
  const restored = plan.items.filter((item) => item.action === "restore").length;
  await recordAudit(viewer.id, "plan-restore", plan.id, {
    subject: plan.subject,
    at: plan.at,
    nodes: restored,
  });
  return plan;
}

export type DecidedPlan = Omit<RestorePlan, "id" | "createdAt" | "expiresAt">;

/** Decides; touches nothing. */
export function decideRestorePlan(facts: RestoreFacts): DecidedPlan {
  const items = facts.nodes.map(decideItem);
  const { kind, subject, subjectName, at } = facts;
  return { hash: planHash({ kind, subject, items }), kind, subject, subjectName, at, items };
}

/** Over what would be done, not over words and estimates: a plan whose wording changed may still run as shown. */
function planHash(plan: Pick<RestorePlan, "kind" | "subject" | "items">): string {
  const deeds = plan.items.map((item) => [
    item.nodeId,
    item.action,
    item.reason,
    item.snapshotId,
    item.compareBytes,
  ]);
  return createHash("sha256")
    .update(JSON.stringify([plan.kind, plan.subject, deeds]))
    .digest("hex");
}

function decideItem(node: NodeRestoreFacts): RestorePlanItem {
  const skip = reasonToSkip(node);
  const compareBytes = (node.snapshot?.images ?? []).reduce((sum, image) => sum + image.sizeBytes, 0);
  const knownChangedBytes = Math.min(compareBytes, changedBytes(node));
  return {
    nodeId: node.nodeId,
    nodeName: node.nodeName,
    action: skip === null ? "restore" : "skip",
    reason: skip?.reason ?? null,
    explanation: skip?.explanation ?? explainRestore(node, knownChangedBytes),
    snapshotId: node.snapshot?.id ?? null,
    snapshotAt: node.snapshot?.createdAt ?? null,
    compareBytes: skip === null ? compareBytes : 0,
    knownChangedBytes: skip === null ? knownChangedBytes : 0,
  };
}

interface Skip {
  readonly reason: SkipReason;
  readonly explanation: string;
}

/** The first reason in order of what a person would have to fix first. */
function reasonToSkip(node: NodeRestoreFacts): Skip | null {
  const name = node.nodeName;
  if (node.lifeCycle !== "enrolled") {
    return { reason: "not-enrolled", explanation: `${name} is ${node.lifeCycle}: approve it first.` };
  }
  if (node.snapshot === null) {
    return { reason: "no-snapshot", explanation: `${name} has no snapshot from that time or before.` };
  }
  if (node.snapshot.verifyState === "corrupt") {
    // A restore would blank the partition's beginning, meet the damage, and leave a PC that starts no more.
    return {
      reason: "snapshot-corrupt",
      explanation: `The snapshot of ${name} is marked corrupt: choose another, or bring its packs back and verify it.`,
    };
  }
  if (node.heldBy !== null) {
    return { reason: "busy", explanation: `${name} is busy with "${node.heldBy}".` };
  }
  if (!node.online) {
    return { reason: "offline", explanation: `${name} is not heard: switch it on and plan again.` };
  }
  for (const image of node.snapshot.images) {
    const misfit = misfitOf(image, node.snapshot.images, node.disks);
    if (misfit !== null) return misfit;
  }
  return null;
}

function misfitOf(
  image: ImageRecord,
  images: readonly ImageRecord[],
  disks: readonly DiskInfo[],
): Skip | null {
  const serial = image.details.diskSerial;
  const disk = diskOf(image, disks);
  if (disk === undefined) {
    return {
      reason: "disk-missing",
      explanation: `The snapshot was taken of disk ${serial ?? "1"}, which the PC no longer has.`,
    };
  }
  if (bringsTable(disk, images)) return misfitOfWholeDisk(image, disk);
  // A PC with several disks has images named "SERIAL.p1"; the partition's own name is in the details.
  const name = image.details.partition ?? image.partition;
  const partition = disk.partitions.find((candidate) => candidate.name === name);
  if (partition === undefined) {
    return {
      reason: "partition-missing",
      explanation: `Disk ${disk.serial} has no partition ${name} any more.`,
    };
  }
  const sizes = `${name} has ${formatBytes(partition.sizeBytes)}, the snapshot ${formatBytes(image.sizeBytes)}`;
  if (partition.sizeBytes < image.sizeBytes) return { reason: "disk-too-small", explanation: `${sizes}.` };
  if (partition.sizeBytes > image.sizeBytes) {
    return { reason: "layout-differs", explanation: `${sizes}: the disk was partitioned anew since.` };
  }
  return null;
}

function diskOf(image: ImageRecord, disks: readonly DiskInfo[]): DiskInfo | undefined {
  const serial = image.details.diskSerial;
  return serial === undefined ? disks[0] : disks.find((candidate) => candidate.serial === serial);
}

/** The disk has lost its partition table and the snapshot holds it: the layout is restored first, and with it the
 *  partitions are where they were. This is the very case a roll back is for. */
function bringsTable(disk: DiskInfo, images: readonly ImageRecord[]): boolean {
  const hasTable = disk.partitions.some((partition) => partition.name === DISK_LAYOUT);
  const isLayout = ({ partition, details }: ImageRecord) => (details.partition ?? partition) === DISK_LAYOUT;
  return !hasTable && images.some((image) => isLayout(image) && diskOf(image, [disk]) === disk);
}

function misfitOfWholeDisk(image: ImageRecord, disk: DiskInfo): Skip | null {
  const bytes = Number(image.details.diskBytes ?? disk.sizeBytes);
  if (bytes === disk.sizeBytes) return null;
  return {
    reason: disk.sizeBytes < bytes ? "disk-too-small" : "layout-differs",
    explanation: `Disk ${disk.serial} has ${formatBytes(disk.sizeBytes)}, the snapshot's had ${formatBytes(bytes)}.`,
  };
}

/** Pages that differ between neighbouring later snapshots; the same page may count in several, so this is an upper estimate. */
function changedBytes(node: NodeRestoreFacts): number {
  return node.later.reduce((sum, later) => sum + Math.max(0, later.sizeBytes - later.unchangedBytes), 0);
}

function explainRestore(node: NodeRestoreFacts, knownChangedBytes: number): string {
  const loss = explainLoss(node, knownChangedBytes);
  return node.wasRolledBack ? `It had been rolled back to this snapshot by then. ${loss}` : loss;
}

function explainLoss(node: NodeRestoreFacts, knownChangedBytes: number): string {
  const images = node.snapshot?.images ?? [];
  if (node.disks.some((disk) => bringsTable(disk, images))) {
    return "The disk's partition table cannot be read: it is brought back first, then the partitions.";
  }
  if (node.later.length === 0)
    return "Brings back the newest snapshot. Changes made since then are in no snapshot and will be lost.";
  const later =
    node.later.length === 1 ? "One later snapshot stays" : `${node.later.length} later snapshots stay`;
  const known = formatBytes(knownChangedBytes);
  return `${later} in the repository (up to ${known} of changes). Changes made after the newest are in no snapshot and will be lost.`;
}
