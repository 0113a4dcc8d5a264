// The tasks of a job that is being made: which PCs are left out because another job holds them, and the rows to write.
import { systemRandom } from "#lib/model/clock.ts";
import { CodedError, type FailureReport } from "#lib/model/errors.ts";
import type { DiskMap } from "#lib/model/fit.ts";
import { newId } from "#lib/model/ids.ts";
import type { TaskKind } from "#lib/model/job.ts";
import type { Transaction } from "./client.ts";
import { taskKindForRow } from "./enums.ts";
import { createLocalization, type NewLocalization } from "./localizations.ts";

export interface NewTask {
  readonly kind: TaskKind;
  /** Of several on one PC the lower comes first, and the next only when it has succeeded. */
  readonly position?: number;
  readonly nodeId: string | null;
  readonly snapshotId?: string | null;
  /** Which disk of the PC each of that snapshot's disks goes to. */
  readonly diskMap?: DiskMap | null;
  /** The disk gets that snapshot's partition table, whatever its own is. */
  readonly replacesLayout?: boolean;
  /** What a localize task tells the PC: to be frozen, or frozen before. */
  readonly localization?: NewLocalization | { readonly id: string };
  /** What is known of its size before it begins, so that a job's progress does not jump. */
  readonly totalBytes?: number;
  /** Set for a node the plan leaves out: the task is there to say why. */
  readonly skipped?: FailureReport;
}

/** Which open job holds a node. */
export interface Holder {
  readonly nodeId: string;
  readonly jobId: string;
  readonly title: string;
}

/** The tasks as they are made: those of busy PCs refuse everything, or are skipped with the reason. */
export function withoutBusy(
  wish: { readonly tasks: readonly NewTask[]; readonly whenBusy: "refuse" | "skip" },
  holders: readonly Holder[],
): NewTask[] {
  const busy = new Map(holders.map((holder) => [holder.nodeId, holder]));
  const first = wish.tasks.find(
    (task) => task.skipped === undefined && task.nodeId !== null && busy.has(task.nodeId),
  );
  const free = wish.tasks.some(
    (task) => task.skipped === undefined && !(task.nodeId !== null && busy.has(task.nodeId)),
  );
  const holder = first?.nodeId == null ? undefined : busy.get(first.nodeId);
  if (holder !== undefined && (wish.whenBusy === "refuse" || !free)) throw nodeBusy(holder);
  return wish.tasks.map((task) => {
    const held = task.nodeId === null || task.skipped !== undefined ? undefined : busy.get(task.nodeId);
    return held === undefined ? task : { ...task, skipped: failureOf(nodeBusy(held)) };
  });
}

function nodeBusy(holder: Holder): CodedError {
  return new CodedError("node-busy", `The node is busy with "${holder.title}" (${holder.jobId}).`, {
    hint: "Wait until that job ends, or cancel it.",
    facts: { jobId: holder.jobId, nodeId: holder.nodeId },
  });
}

function failureOf(error: CodedError): FailureReport {
  return { code: error.code, message: error.message, hint: error.hint };
}

/** Written inside the transaction that makes the job: what a PC is told is frozen with it. */
export async function rowOfTask(tx: Pick<Transaction, "localization">, task: NewTask) {
  const skipped = task.skipped;
  return {
    id: newId("task", systemRandom),
    kind: taskKindForRow(task.kind),
    position: task.position ?? 0,
    nodeId: task.nodeId,
    localizationId: await localizationIdOf(tx, task),
    snapshotId: task.snapshotId ?? null,
    replacesLayout: task.replacesLayout ?? false,
    ...(task.diskMap == null ? {} : { diskMap: { ...task.diskMap } }),
    totalBytes: BigInt(skipped === undefined ? (task.totalBytes ?? 0) : 0),
    state: skipped === undefined ? ("waiting" as const) : ("skipped" as const),
    finishedAt: skipped === undefined ? null : new Date(),
    failureCode: skipped?.code ?? null,
    failureMessage: skipped?.message ?? null,
    failureHint: skipped?.hint ?? null,
  };
}

async function localizationIdOf(
  tx: Pick<Transaction, "localization">,
  { localization, nodeId, skipped }: NewTask,
): Promise<string | null> {
  if (localization === undefined || nodeId === null || skipped !== undefined) return null;
  return "id" in localization ? localization.id : createLocalization(tx, nodeId, localization);
}
