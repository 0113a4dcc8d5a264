// Applying a plan: what runs is what was shown. The caller names the plan by its hash; the facts are collected again and must
// still lead to the same hash; a classroom's name must be typed.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import type { JobOptions } from "#lib/db/job-options.ts";
import { findJobByRequestId } from "#lib/db/jobs.ts";
import type { NewTask } from "#lib/db/new-tasks.ts";
import { findPlan, markPlanApplied, type StoredPlan } from "#lib/db/plans.ts";
import { CodedError, type FailureCode } from "#lib/model/errors.ts";
import { isId } from "#lib/model/ids.ts";
import type { JobKind } from "#lib/model/job.ts";
import {
  isOfMaster,
  nameToConfirm,
  type RestorePlan,
  type RestorePlanItem,
  type SkipReason,
} from "#lib/model/plan.ts";
import { Id, parseInput, RequestId } from "./input.ts";
import { decideRestorePlan } from "./plan-restore.ts";
import { collectRestoreFacts, type RestoreFacts, type RestoreWish } from "./restore-facts.ts";
import { wish } from "./wish.ts";

export const ApplyRestorePlanInput = z.object({
  planId: Id,
  planHash: z.string().min(1).max(128),
  requestId: RequestId,
  confirmName: z.string().max(128).optional(),
});
type Input = z.output<typeof ApplyRestorePlanInput>;

export async function applyRestorePlan(
  viewer: Viewer,
  input: z.input<typeof ApplyRestorePlanInput>,
): Promise<{ readonly jobId: string }> {
  permit(viewer, "restore");
  const asked = parseInput(ApplyRestorePlanInput, input);
  const first = await findJobByRequestId(asked.requestId);
  if (first?.planId === asked.planId && first.createdBy === viewer.id) return { jobId: first.id };
  const stored = await findPlan(asked.planId);
  if (stored === null) throw new CodedError("plan-unknown", `There is no plan ${asked.planId}.`);
  assertApplicable(stored, asked);
  const { plan } = stored;
  if (plan.kind === "localize") permit(viewer, "localize");
  const facts = await assertUnchanged(plan);
  const restored = plan.items.filter((item) => item.action === "restore").length;
  const job = await wish(
    viewer,
    {
      kind: jobKindOf(plan),
      requestId: asked.requestId,
      title: titleOf(plan),
      groupId: isId("group", plan.subject) ? plan.subject : null,
      planId: plan.id,
      options: optionsOf(plan),
      tasks: plan.items.flatMap((item) => tasksOfItem(item, facts)),
      whenBusy: "refuse",
    },
    { subject: plan.subject, facts: { planId: plan.id, planHash: plan.hash, nodes: restored } },
  );
  await markPlanApplied(plan.id);
  return job;
}

function assertApplicable(stored: StoredPlan, asked: Input): void {
  const { plan, state, jobId } = stored;
  const again = "Make a new plan and read it before applying it.";
  if (state === "applied" || jobId !== null) {
    throw new CodedError("plan-expired", `This plan was applied before (${jobId ?? "job unknown"}).`, {
      hint: again,
    });
  }
  if (state === "expired") {
    throw new CodedError("plan-expired", `This plan expired at ${plan.expiresAt}.`, { hint: again });
  }
  if (asked.planHash !== plan.hash) {
    throw new CodedError("plan-changed", "The hash given is not this plan's: another plan was shown.", {
      hint: again,
    });
  }
  const name = nameToConfirm(plan);
  if (name !== null && asked.confirmName !== name) {
    throw new CodedError("confirmation-mismatch", `What was typed is not "${name}".`, {
      hint: "Type it exactly as shown.",
    });
  }
  if (plan.items.every((item) => item.action === "skip")) {
    throw new CodedError("nothing-to-restore", "The plan leaves out every node.", {
      hint: "Read the reasons in the plan, remove their causes, and plan again.",
    });
  }
}

/** An undo is a roll back, of one PC or of several. */
function jobKindOf({ kind, items }: RestorePlan): JobKind {
  if (kind !== "undo") return kind;
  return items.length === 1 ? "restore-node" : "roll-back-classroom";
}

async function assertUnchanged(plan: RestorePlan): Promise<RestoreFacts> {
  const facts = await collectRestoreFacts(wishOf(plan), Date.now());
  const now = decideRestorePlan(facts);
  if (now.hash === plan.hash) return facts;
  throw new CodedError(
    "plan-changed",
    `What the plan was made for has changed: ${firstDifference(plan, now.items)}`,
    {
      hint: "Make a new plan and read it before applying it.",
    },
  );
}

/** The wish that the plan answered. */
export function wishOf(plan: RestorePlan): RestoreWish {
  const { kind, subject, items } = plan;
  const only = plan.isPart === true ? { onlyNodeIds: items.map((item) => item.nodeId) } : {};
  if (isOfMaster(kind)) {
    const wish = {
      kind,
      snapshotId: clonedSnapshot(plan),
      replaceLayouts: items.some(({ replacesLayout }) => replacesLayout),
      baseline: items.every(({ steps }) => steps === undefined || steps.includes("baseline")),
    };
    if (isId("group", subject)) return { ...wish, groupId: subject, ...only };
    return { ...wish, nodeIds: items.map((item) => item.nodeId) };
  }
  if (kind === "undo") return { kind, jobId: subject };
  // One PC was planned to a snapshot, a classroom to a moment.
  const exact = kind === "restore-node" ? items[0]?.snapshotId : null;
  const safety = items.some(({ steps }) => steps?.includes("safety") === true);
  return { kind, subjectId: subject, at: exact ?? plan.at, safety, ...only };
}

function clonedSnapshot({ id, items }: RestorePlan): string {
  const snapshotId = items[0]?.snapshotId;
  if (snapshotId == null) throw new CodedError("internal", `Plan ${id} clones nothing.`);
  return snapshotId;
}

function titleOf(plan: RestorePlan): string {
  if (plan.kind === "clone") return `Clone to ${plan.subjectName}`;
  if (plan.kind === "localize") return `Localize ${plan.subjectName}`;
  if (plan.kind === "undo") return `Undo: ${plan.subjectName}`;
  return `${plan.kind === "restore-node" ? "Restore" : "Roll back"} ${plan.subjectName}`;
}

function firstDifference(plan: RestorePlan, items: readonly RestorePlanItem[]): string {
  for (const item of items) {
    const before = plan.items.find((candidate) => candidate.nodeId === item.nodeId);
    if (before === undefined) return `${item.nodeName} is new.`;
    if (before.action !== item.action || before.reason !== item.reason) return item.explanation;
    if (before.snapshotId !== item.snapshotId)
      return `${item.nodeName} has another snapshot for that moment now.`;
    if (before.localizationDigest !== item.localizationDigest) return `what ${item.nodeName} is told.`;
    if (JSON.stringify(before.steps) !== JSON.stringify(item.steps))
      return `what has to be done on ${item.nodeName}.`;
    if (JSON.stringify(before.diskMap) !== JSON.stringify(item.diskMap))
      return `the disks of ${item.nodeName}.`;
  }
  const gone = plan.items.find((item) => !items.some((candidate) => candidate.nodeId === item.nodeId));
  return gone === undefined ? "the order of nodes." : `${gone.nodeName} is no longer part of it.`;
}

const CODE_OF_REASON: Readonly<Record<SkipReason, FailureCode>> = {
  "no-snapshot": "nothing-to-restore",
  "snapshot-corrupt": "snapshot-corrupt",
  offline: "node-offline",
  busy: "node-busy",
  "not-enrolled": "enrolment-pending",
  "disk-missing": "disk-mismatch",
  "disk-ambiguous": "disk-mismatch",
  "disk-too-small": "target-too-small",
  "partition-missing": "target-missing",
  "layout-differs": "layout-mismatch",
  "cannot-localize": "localization-refused",
  "identity-duplicate": "identity-duplicate",
};

function optionsOf(plan: RestorePlan): JobOptions {
  if (plan.kind === "clone") return { snapshotId: clonedSnapshot(plan) };
  if (plan.kind !== "localize") {
    return { at: plan.at, purpose: "safety", comment: `Before: ${titleOf(plan)}` };
  }
  return { snapshotId: clonedSnapshot(plan), purpose: "baseline", comment: "Localized" };
}

/** A node the plan leaves out gets a skipped task that says why, so that the job shows the whole classroom. */
function tasksOfItem(item: RestorePlanItem, facts: RestoreFacts): NewTask[] {
  const restore = restoreTask(item);
  if (item.steps === undefined || item.reason !== null) return [restore];
  const { nodeId, compareBytes: totalBytes } = item;
  return item.steps.map((step, position) => {
    if (step === "clone" || step === "restore") return { ...restore, position };
    if (step === "safety" || step === "baseline") return { kind: "archive", nodeId, totalBytes, position };
    const decided = facts.nodes.find((node) => node.nodeId === nodeId)?.localization?.decided;
    if (decided === undefined) throw new CodedError("internal", `Nothing was decided for ${item.nodeName}.`);
    const { content, digest } = decided;
    return { ...restore, kind: "localize", position, localization: { content, digest } };
  });
}

function restoreTask(item: RestorePlanItem): NewTask {
  const { nodeId, snapshotId, compareBytes, diskMap = null, replacesLayout = false } = item;
  const task = {
    ...({ kind: "restore", nodeId, snapshotId, diskMap, replacesLayout } as const),
    totalBytes: compareBytes,
  };
  if (item.reason === null) return task;
  const skipped = { code: CODE_OF_REASON[item.reason], message: item.explanation, hint: null };
  return { ...task, skipped };
}
