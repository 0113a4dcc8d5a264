// What the last GC, scrub … came to, in a few words; and what each of them is for.
import type { UpkeepJobKind } from "#lib/model/job.ts";
import { formatBytes, formatShare } from "#lib/model/units.ts";

export const UPKEEP_PURPOSE: Readonly<Record<UpkeepJobKind, string>> = {
  verify: "Reads back every snapshot and compares each page with what was archived.",
  scrub: "Re-reads the store's files for rot, those looked at longest ago first.",
  prune: "Lets go of snapshots by the rules under What is kept. You see a plan first.",
  gc: "Frees what no snapshot needs any more, while everything else goes on.",
  "re-segment":
    "Compresses packs that have grown cold anew, harder: the store becomes smaller, nothing else changes.",
  evaluate: "Computes what other techniques, block sizes and compressions would cost.",
};

/** As lib/queries/upkeep-report.ts reads them. */
export type UpkeepFigures =
  | {
      readonly kind: "verify";
      readonly snapshotCount: number;
      readonly checkedBytes: number;
      readonly findings: readonly unknown[];
    }
  | { readonly kind: "evaluate"; readonly rowCount: number }
  | { readonly kind: "pin"; readonly reason: string | null }
  | { readonly kind: "scan-tokens"; readonly tokenCount: number }
  | {
      readonly kind: "prune";
      readonly decisions: readonly { readonly verdict: "keep" | "drop" }[];
      readonly removedIds: readonly string[];
    }
  | {
      readonly kind: "gc";
      readonly isPlan: boolean;
      readonly isFinished: boolean;
      readonly freedBytes: number;
      readonly removedPackCount: number;
      readonly plan: {
        readonly deadPackCount: number;
        readonly deadPackBytes: number;
        readonly packBytes: number;
      } | null;
    }
  | {
      readonly kind: "re-segment";
      readonly packCount: number;
      readonly bytesBefore: number;
      readonly bytesAfter: number;
      readonly leftPackCount: number;
    }
  | {
      readonly kind: "scrub";
      readonly packCount: number;
      readonly checkedPackCount: number;
      readonly checkedBytes: number;
      readonly uncheckedPackCount: number;
      readonly findings: readonly unknown[];
    };

export function upkeepResult(figures: UpkeepFigures): string {
  switch (figures.kind) {
    case "verify":
      return `${counted(figures.snapshotCount, "snapshot")}, ${formatBytes(figures.checkedBytes)} read, ${found(figures.findings.length)}`;
    case "pin":
      return figures.reason === null ? "No longer pinned" : `Pinned: ${figures.reason}`;
    case "scan-tokens":
      return figures.tokenCount === 0 ? "No token found" : `${figures.tokenCount} tokens found`;
    case "evaluate":
      return `${counted(figures.rowCount, "figure")} computed`;
    case "scrub": {
      const rest =
        figures.uncheckedPackCount === 0 ? "" : `, ${figures.uncheckedPackCount} never looked at yet`;
      return `${figures.checkedPackCount} of ${counted(figures.packCount, "pack")}, ${formatBytes(figures.checkedBytes)} read, ${found(figures.findings.length)}${rest}`;
    }
    case "prune": {
      if (figures.decisions.length === 0) return `${counted(figures.removedIds.length, "snapshot")} removed`;
      const dropped = figures.decisions.filter(({ verdict }) => verdict === "drop").length;
      return `Plan: ${dropped} of ${counted(figures.decisions.length, "snapshot")} would go`;
    }
    case "gc":
      return gcResult(figures);
    case "re-segment":
      return reSegmentResult(figures);
  }
}

function gcResult({
  isPlan,
  isFinished,
  freedBytes,
  removedPackCount,
  plan,
}: UpkeepFigures & { kind: "gc" }): string {
  if (isPlan && plan !== null) {
    const share = formatShare(plan.deadPackBytes, plan.packBytes);
    return `Plan: ${formatBytes(plan.deadPackBytes)} (${share}) would be freed in ${counted(plan.deadPackCount, "pack")}`;
  }
  return `${formatBytes(freedBytes)} freed in ${counted(removedPackCount, "pack")}${isFinished ? "" : "; there is more"}`;
}

function reSegmentResult({
  packCount,
  bytesBefore,
  bytesAfter,
  leftPackCount,
}: UpkeepFigures & { kind: "re-segment" }): string {
  const left = leftPackCount === 0 ? "" : `; ${counted(leftPackCount, "pack")} left`;
  if (packCount === 0) return `Nothing compressed anew${left}`;
  return `${counted(packCount, "pack")} compressed anew: ${formatBytes(bytesBefore)} became ${formatBytes(bytesAfter)}${left}`;
}

function found(count: number): string {
  return count === 0 ? "nothing wrong" : counted(count, "finding");
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
