// Planning a roll back: what would be restored where, what is left out and why, and how many bytes are at stake. Deciding is
// pure (decideRestorePlan); the command collects facts, decides, and keeps the plan under its hash for half an hour.
import { createHash } from "node:crypto";
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { recordAudit } from "#lib/db/audit.ts";
import { createPlan, findPlan } from "#lib/db/plans.ts";
import { asReplaced, bringsTable, type Fit, fitOfClone, fitOfOwn, imagesFor } from "#lib/model/fit.ts";
import type { DiskInfo } from "#lib/model/node.ts";
import type { PlanStep, RestorePlan, RestorePlanItem, SkipReason } from "#lib/model/plan.ts";
import type { ImageRecord } from "#lib/model/snapshot.ts";
import { formatBytes } from "#lib/model/units.ts";
import { anotherRequest, idForRequest } from "./id-for-request.ts";
import { Id, parseInput, RequestId } from "./input.ts";
import {
  collectRestoreFacts,
  type NodeLocalizationFacts,
  type NodeRestoreFacts,
  type RestoreFacts,
} from "./restore-facts.ts";

const PLAN_VALID_MS = 30 * 60_000;

const NODES_MAX = 1000;

const CloneFields = {
  requestId: RequestId.optional(),
  /** "localize": each PC becomes a copy of the master with an identity of its own. */
  kind: z.enum(["clone", "localize"]),
  snapshotId: Id,
  /** PCs that are partitioned otherwise get the snapshot's partition table, too. */
  replaceLayouts: z.boolean().default(false),
  /** Of a localization: a snapshot of each PC follows, which it can be rolled back to. */
  baseline: z.boolean().default(true),
};

/** Of a classroom only these: a schedule goes by waves. */
const OnlyNodeIds = z.array(Id).min(1).max(NODES_MAX).optional();

export const PlanRestoreInput = z.union([
  z.object({
    requestId: RequestId.optional(),
    kind: z.enum(["restore-node", "roll-back-classroom"]),
    subjectId: Id,
    /** A moment in ISO 8601; for one PC also the id of a snapshot. */
    at: z.string().min(1).max(64),
    onlyNodeIds: OnlyNodeIds,
    /** A snapshot of each PC as it is comes first, so that this can be undone. */
    safety: z.boolean().default(false),
  }),
  /** Each PC back to the snapshot that was taken of it before that job wrote to it. */
  z.object({ requestId: RequestId.optional(), kind: z.literal("undo"), jobId: Id }),
  z.object({ ...CloneFields, groupId: Id, onlyNodeIds: OnlyNodeIds }),
  z.object({ ...CloneFields, nodeIds: z.array(Id).min(1).max(NODES_MAX) }),
]);

export async function planRestore(
  viewer: Viewer,
  input: z.input<typeof PlanRestoreInput>,
): Promise<RestorePlan> {
  permit(viewer, "restore");
  const now = Date.now();
  const { requestId, ...wish } = parseInput(PlanRestoreInput, input);
  if (wish.kind === "localize") permit(viewer, "localize");
  const id = idForRequest("plan", viewer, requestId);
  const first = await findPlan(id);
  if (first !== null && first.plan.kind !== wish.kind) throw anotherRequest();
  if (first !== null) return first.plan;
  const decided = decideRestorePlan(await collectRestoreFacts(wish, now));
  const plan: RestorePlan = {
    id,
    ...decided,
    ...("onlyNodeIds" in wish && wish.onlyNodeIds !== undefined ? { isPart: true } : {}),
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
    item.diskMap,
    item.replacesLayout,
    ...(item.steps === undefined ? [] : [item.steps, item.localizationDigest]),
  ]);
  return createHash("sha256")
    .update(JSON.stringify([plan.kind, plan.subject, deeds]))
    .digest("hex");
}

function decideItem(node: NodeRestoreFacts): RestorePlanItem {
  const { fit, disks, replacesLayout } = placementOf(node);
  const skip = reasonToSkip(node) ?? ("diskMap" in fit ? null : fit);
  const diskMap = "diskMap" in fit ? fit.diskMap : {};
  const images = imagesFor(node.snapshot?.images ?? [], diskMap, disks);
  const compareBytes = images.reduce((sum, image) => sum + image.sizeBytes, 0);
  const knownChangedBytes = Math.min(compareBytes, changedBytes(node, images));
  return {
    nodeId: node.nodeId,
    nodeName: node.nodeName,
    action: skip === null ? "restore" : "skip",
    reason: skip?.reason ?? null,
    explanation:
      skip?.explanation ??
      `${replacesLayout ? REPLACES_TABLE : ""}${explainRestore(node, knownChangedBytes)}`,
    snapshotId: node.snapshot?.id ?? null,
    snapshotAt: node.snapshot?.createdAt ?? null,
    compareBytes: skip === null ? compareBytes : 0,
    knownChangedBytes: skip === null ? knownChangedBytes : 0,
    ...(skip === null ? { diskMap } : {}),
    ...(skip === null && replacesLayout ? { replacesLayout } : {}),
    ...(skip === null ? stepsOf(node, disks) : {}),
  };
}

function stepsOf(node: NodeRestoreFacts, disks: readonly DiskInfo[]): Partial<RestorePlanItem> {
  if (node.localization !== null) return localizationOf(node.localization);
  return node.safety && isReadable(node, disks) ? { steps: ["safety", "restore"] } : {};
}

/** Of a disk whose table cannot be read no snapshot can be taken. */
function isReadable({ snapshot }: NodeRestoreFacts, disks: readonly DiskInfo[]): boolean {
  return !disks.some((disk) => bringsTable(disk, snapshot?.images ?? []));
}

function localizationOf({ decided, hasMaster, baseline }: NodeLocalizationFacts): Partial<RestorePlanItem> {
  const steps: PlanStep[] = [
    ...(hasMaster ? [] : (["clone"] as const)),
    "localize",
    ...(baseline ? (["baseline"] as const) : []),
  ];
  return { steps, localizationDigest: decided.digest };
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
  const problem = node.localization?.decided.problem ?? null;
  if (problem !== null) {
    return {
      reason: problem.code === "identity-duplicate" ? "identity-duplicate" : "cannot-localize",
      explanation: [problem.message, problem.hint].filter((words) => words !== null).join(" "),
    };
  }
  return null;
}

interface Placement {
  readonly fit: Fit;
  /** As they count for it. */
  readonly disks: readonly DiskInfo[];
  readonly replacesLayout: boolean;
}

/** Where it goes as the PC is; only if it goes nowhere, and the person said so, where it goes with another table. */
function placementOf({ nodeId, snapshot, disks, mayReplaceLayout }: NodeRestoreFacts): Placement {
  if (snapshot === null) return { fit: { diskMap: {} }, disks, replacesLayout: false };
  const { images } = snapshot;
  const fit = snapshot.nodeId === nodeId ? fitOfOwn(images, disks) : fitOfClone(images, disks);
  if ("diskMap" in fit || !mayReplaceLayout) return { fit, disks, replacesLayout: false };
  const replaced = asReplaced(images, disks);
  const other = fitOfClone(images, replaced);
  return "diskMap" in other
    ? { fit: other, disks: replaced, replacesLayout: true }
    : { fit, disks, replacesLayout: false };
}

/** Pages that differ between neighbouring later snapshots; the same page may count in several, so this is an upper estimate.
 *  Another PC's snapshot differs at most in all that is not empty, and in nothing when it is what was written last. */
function changedBytes(node: NodeRestoreFacts, images: readonly ImageRecord[]): number {
  if (node.isClone) {
    if (node.isThere) return 0;
    return images.reduce((sum, image) => sum + image.sizeBytes - image.fillBytes, 0);
  }
  return node.later.reduce((sum, later) => sum + Math.max(0, later.sizeBytes - later.unchangedBytes), 0);
}

function explainRestore(node: NodeRestoreFacts, knownChangedBytes: number): string {
  if (node.isClone) return explainClone(node);
  const isSafe = node.safety && isReadable(node, node.disks);
  const loss = isSafe ? explainSafety(node) : explainLoss(node, knownChangedBytes);
  return node.wasRolledBack ? `It had been rolled back to this snapshot by then. ${loss}` : loss;
}

function explainSafety({ later }: NodeRestoreFacts): string {
  const stays =
    later.length === 0
      ? ""
      : `${later.length === 1 ? "One later snapshot stays" : `${later.length} later snapshots stay`} in the repository. `;
  return `${stays}A snapshot of it as it is now comes first: nothing is lost, and this can be undone.`;
}

function explainLoss(node: NodeRestoreFacts, knownChangedBytes: number): string {
  const images = node.snapshot?.images ?? [];
  if (node.disks.some((disk) => bringsTable(disk, images))) return BRINGS_TABLE;
  if (node.later.length === 0)
    return "Brings back the newest snapshot. Changes made since then are in no snapshot and will be lost.";
  const later =
    node.later.length === 1 ? "One later snapshot stays" : `${node.later.length} later snapshots stay`;
  const known = formatBytes(knownChangedBytes);
  return `${later} in the repository (up to ${known} of changes). Changes made after the newest are in no snapshot and will be lost.`;
}

const REPLACES_TABLE =
  "Its partition table is replaced by the snapshot's: all partitions it has now will be gone for good. ";
const BRINGS_TABLE =
  "The disk's partition table cannot be read: it is brought back first, then the partitions.";

/** What is lost on a PC that becomes a copy of another. */
function explainClone(node: NodeRestoreFacts): string {
  const { snapshot, later: own } = node;
  if (snapshot === null) return "";
  const kept =
    own.length === 0
      ? "It has no snapshot: what is on it now will be gone for good."
      : `Its own ${own.length === 1 ? "snapshot stays" : `${own.length} snapshots stay`}; changes made after the newest will be lost.`;
  const itself = snapshot.nodeId === node.nodeId ? "It is the PC that this snapshot was taken of. " : "";
  const table = node.disks.some((disk) => bringsTable(disk, snapshot.images)) ? `${BRINGS_TABLE} ` : "";
  if (node.localization?.isCurrent === true)
    return `${table}It holds this identity already: only what has changed since is written. ${kept}`;
  if (node.localization?.hasMaster === true)
    return `${table}It was made of this master: only what differs is written. ${kept}`;
  const same = node.isThere
    ? "Its disks held this snapshot last: only what has changed since is written. "
    : "";
  return `${itself}${table}${same}${kept}`;
}
