// The words and looks of jobs, tasks and snapshots, chosen once: what a state is called, its tone and its shape.
// Complete tables: a new state in lib/model does not compile until someone has named it here.
import {
  Ban,
  CircleCheck,
  CircleDashed,
  CircleDot,
  CircleX,
  Clock,
  type LucideIcon,
  MinusCircle,
  ShieldAlert,
  ShieldCheck,
  ShieldQuestion,
  TriangleAlert,
} from "lucide-react";
import type { JobKind, JobState, TaskKind, TaskState, TaskStep } from "#lib/model/job.ts";
import type { SkipReason } from "#lib/model/plan.ts";
import type { SnapshotPurpose } from "#lib/model/snapshot.ts";
import type { Tone } from "./ui/badge.tsx";

interface Look {
  readonly text: string;
  readonly tone: Tone;
  readonly icon: LucideIcon;
}

export const JOB_STATE_LOOKS: Readonly<Record<JobState, Look>> = {
  queued: { text: "Queued", tone: "neutral", icon: Clock },
  running: { text: "Running", tone: "accent", icon: CircleDot },
  succeeded: { text: "Succeeded", tone: "ok", icon: CircleCheck },
  partial: { text: "Partly failed", tone: "warn", icon: TriangleAlert },
  failed: { text: "Failed", tone: "bad", icon: CircleX },
  cancelled: { text: "Cancelled", tone: "neutral", icon: Ban },
};

export const TASK_STATE_LOOKS: Readonly<Record<TaskState, Look>> = {
  waiting: { text: "Waiting", tone: "neutral", icon: CircleDashed },
  ready: { text: "Waiting for the PC", tone: "neutral", icon: Clock },
  running: { text: "Running", tone: "accent", icon: CircleDot },
  succeeded: { text: "Succeeded", tone: "ok", icon: CircleCheck },
  failed: { text: "Failed", tone: "bad", icon: CircleX },
  skipped: { text: "Skipped", tone: "neutral", icon: MinusCircle },
  cancelled: { text: "Cancelled", tone: "neutral", icon: Ban },
};

export const JOB_KIND_WORDS: Readonly<Record<JobKind, string>> = {
  "snapshot-node": "Snapshot PC",
  "snapshot-classroom": "Snapshot classroom",
  "restore-node": "Roll back PC",
  "roll-back-classroom": "Roll back classroom",
  clone: "Clone",
  localize: "Localize",
  verify: "Verify",
  evaluate: "Evaluate",
  prune: "Prune",
  gc: "GC",
  scrub: "Scrub",
  "re-segment": "Re-segment",
  pin: "Pin",
  "scan-tokens": "Look for tokens",
};

export const TASK_KIND_WORDS: Readonly<Record<TaskKind, string>> = {
  archive: "Snapshot",
  restore: "Roll back",
  localize: "Localize",
  verify: "Verify",
  evaluate: "Evaluate",
  prune: "Prune",
  gc: "GC",
  scrub: "Scrub",
  "re-segment": "Re-segment",
  pin: "Pin",
  "scan-tokens": "Look for tokens",
};

export const TASK_STEP_WORDS: Readonly<Record<TaskStep, string>> = {
  waiting: "Waiting",
  leased: "Taken up by the PC",
  comparing: "Comparing",
  transferring: "Transferring",
  writing: "Writing",
  flushing: "Flushing to disk",
  verifying: "Verifying",
  evaluating: "Evaluating",
  deciding: "Deciding what stays",
  pruning: "Pruning",
  marking: "Marking what is needed",
  freeing: "Freeing",
  scrubbing: "Scrubbing",
  "re-segmenting": "Compressing anew",
  pinning: "Pinning",
  scanning: "Looking for tokens",
  recipes: "Changing files",
  committing: "Committing",
  done: "Done",
};

export function stepWords(step: string): string {
  return step in TASK_STEP_WORDS ? TASK_STEP_WORDS[step as TaskStep] : step;
}

export const VERIFY_STATES = ["never", "verified", "corrupt"] as const;
export type VerifyState = (typeof VERIFY_STATES)[number];
export const VERIFY_LOOKS: Readonly<Record<VerifyState, Look>> = {
  never: { text: "Not verified yet", tone: "neutral", icon: ShieldQuestion },
  verified: { text: "Verified", tone: "ok", icon: ShieldCheck },
  corrupt: { text: "Corrupt", tone: "bad", icon: ShieldAlert },
};

export const PURPOSE_WORDS: Readonly<Record<SnapshotPurpose, string>> = {
  manual: "Manual",
  scheduled: "Scheduled",
  safety: "Safety, before a roll back",
  baseline: "Baseline",
  import: "Imported",
};

export const SKIP_WORDS: Readonly<Record<SkipReason, string>> = {
  "no-snapshot": "No snapshot at that time",
  offline: "Offline",
  busy: "Busy",
  "not-enrolled": "Not enrolled",
  "disk-missing": "Disk missing",
  "disk-ambiguous": "Several disks fit",
  "disk-too-small": "Disk too small",
  "partition-missing": "Partition missing",
  "layout-differs": "Partition layout differs",
  "snapshot-corrupt": "Snapshot is damaged",
  "cannot-localize": "Cannot be localized",
  "identity-duplicate": "Same as another PC",
};
