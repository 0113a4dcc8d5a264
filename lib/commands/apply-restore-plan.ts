// Applying a plan: what runs is what was shown. The caller names the plan by its hash; the facts are collected again and must
// still lead to the same hash; a classroom's name must be typed.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { findJobByRequestId, type NewTask } from "#lib/db/jobs.ts";
import { findPlan, markPlanApplied, type StoredPlan } from "#lib/db/plans.ts";
import { CodedError, type FailureCode } from "#lib/model/errors.ts";
import { isId } from "#lib/model/ids.ts";
import { nameToConfirm, type RestorePlan, type RestorePlanItem, type SkipReason } from "#lib/model/plan.ts";
import { Id, parseInput, RequestId } from "./input.ts";
import { decideRestorePlan } from "./plan-restore.ts";
import { collectRestoreFacts, type RestoreWish } from "./restore-facts.ts";
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
  await assertUnchanged(plan);
  const restored = plan.items.filter((item) => item.action === "restore").length;
  const job = await wish(
    viewer,
    {
      kind: plan.kind,
      requestId: asked.requestId,
      title: titleOf(plan),
      groupId: isId("group", plan.subject) ? plan.subject : null,
      planId: plan.id,
      options: plan.kind === "clone" ? { snapshotId: clonedSnapshot(plan) } : { at: plan.at },
      tasks: plan.items.map(taskOfItem),
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

async function assertUnchanged(plan: RestorePlan): Promise<void> {
  const facts = await collectRestoreFacts(wishOf(plan), Date.now());
  const now = decideRestorePlan(facts);
  if (now.hash === plan.hash) return;
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
  if (kind === "clone") {
    const snapshotId = clonedSnapshot(plan);
    const wish = { kind, snapshotId, replaceLayouts: items.some(({ replacesLayout }) => replacesLayout) };
    if (isId("group", subject)) return { ...wish, groupId: subject };
    return { ...wish, nodeIds: items.map((item) => item.nodeId) };
  }
  // One PC was planned to a snapshot, a classroom to a moment.
  const exact = kind === "restore-node" ? items[0]?.snapshotId : null;
  return { kind, subjectId: subject, at: exact ?? plan.at };
}

function clonedSnapshot({ id, items }: RestorePlan): string {
  const snapshotId = items[0]?.snapshotId;
  if (snapshotId == null) throw new CodedError("internal", `Plan ${id} clones nothing.`);
  return snapshotId;
}

function titleOf(plan: RestorePlan): string {
  if (plan.kind === "clone") return `Clone to ${plan.subjectName}`;
  return `${plan.kind === "restore-node" ? "Restore" : "Roll back"} ${plan.subjectName}`;
}

function firstDifference(plan: RestorePlan, items: readonly RestorePlanItem[]): string {
  for (const item of items) {
    const before = plan.items.find((candidate) => candidate.nodeId === item.nodeId);
    if (before === undefined) return `${item.nodeName} is new.`;
    if (before.action !== item.action || before.reason !== item.reason) return item.explanation;
    if (before.snapshotId !== item.snapshotId)
      return `${item.nodeName} has another snapshot for that moment now.`;
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
};

/** A node the plan leaves out gets a skipped task that says why, so that the job shows the whole classroom. */
function taskOfItem(item: RestorePlanItem): NewTask {
  const { nodeId, snapshotId, compareBytes, diskMap = null, replacesLayout = false } = item;
  const task = {
    ...({ kind: "restore", nodeId, snapshotId, diskMap, replacesLayout } as const),
    totalBytes: compareBytes,
  };
  if (item.reason === null) return task;
  const skipped = { code: CODE_OF_REASON[item.reason], message: item.explanation, hint: null };
  return { ...task, skipped };
}
