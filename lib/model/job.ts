// A job is a plan being carried out; a task is its part on one node. The tables below are complete: a new state or event
// does not compile until someone has decided every cell. The row in the database is the truth; the queue delivers tickets.

export const JOB_KINDS = [
  "snapshot-node",
  "snapshot-classroom",
  "restore-node",
  "roll-back-classroom",
  "clone",
  "localize",
  "verify",
  "evaluate",
  "prune",
  "gc",
  "scrub",
  "re-segment",
  "pin",
  "scan-tokens",
] as const;
export type JobKind = (typeof JOB_KINDS)[number];

/** What is done to the whole store from time to time: the storage page tells of each when it was done last. */
export const UPKEEP_JOB_KINDS = [
  "verify",
  "evaluate",
  "prune",
  "gc",
  "scrub",
  "re-segment",
] as const satisfies readonly JobKind[];
export type UpkeepJobKind = (typeof UPKEEP_JOB_KINDS)[number];

/** Work on the repository itself: one task that no agent leases, done by the worker. */
export const REPOSITORY_JOB_KINDS = [
  ...UPKEEP_JOB_KINDS,
  "pin",
  "scan-tokens",
] as const satisfies readonly JobKind[];
export type RepositoryJobKind = (typeof REPOSITORY_JOB_KINDS)[number];

export function isRepositoryJobKind(kind: JobKind): kind is RepositoryJobKind {
  return (REPOSITORY_JOB_KINDS as readonly JobKind[]).includes(kind);
}

/** "partial": at least one task succeeded and at least one did not. */
export const JOB_STATES = ["queued", "running", "succeeded", "partial", "failed", "cancelled"] as const;
export type JobState = (typeof JOB_STATES)[number];

export const JOB_EVENTS = [
  "claim",
  "finish",
  "finish-partly",
  "fail",
  "retry",
  "cancel",
  "lose-worker",
] as const;
export type JobEvent = (typeof JOB_EVENTS)[number];

type Next<State extends string> = State | "refuse";

/** Every state × every event. The same state again means: already so, do nothing (a repeated event does no harm). */
export const NEXT_JOB_STATE: Readonly<Record<JobState, Readonly<Record<JobEvent, Next<JobState>>>>> = {
  queued: {
    claim: "running",
    finish: "refuse",
    "finish-partly": "refuse",
    fail: "refuse",
    retry: "queued",
    cancel: "cancelled",
    "lose-worker": "queued",
  },
  running: {
    claim: "refuse",
    finish: "succeeded",
    "finish-partly": "partial",
    fail: "failed",
    retry: "queued",
    cancel: "cancelled",
    "lose-worker": "queued",
  },
  succeeded: {
    claim: "refuse",
    finish: "succeeded",
    "finish-partly": "refuse",
    fail: "refuse",
    retry: "refuse",
    cancel: "refuse",
    "lose-worker": "succeeded",
  },
  partial: {
    claim: "refuse",
    finish: "refuse",
    "finish-partly": "partial",
    fail: "refuse",
    retry: "refuse",
    cancel: "refuse",
    "lose-worker": "partial",
  },
  failed: {
    claim: "refuse",
    finish: "refuse",
    "finish-partly": "refuse",
    fail: "failed",
    retry: "refuse",
    cancel: "refuse",
    "lose-worker": "failed",
  },
  cancelled: {
    claim: "refuse",
    finish: "refuse",
    "finish-partly": "refuse",
    fail: "refuse",
    retry: "refuse",
    cancel: "cancelled",
    "lose-worker": "cancelled",
  },
};

export const FINAL_JOB_STATES = [
  "succeeded",
  "partial",
  "failed",
  "cancelled",
] as const satisfies readonly JobState[];

export function isFinalJobState(state: JobState): boolean {
  return (FINAL_JOB_STATES as readonly JobState[]).includes(state);
}

export const TASK_KINDS = ["archive", "restore", "localize", ...REPOSITORY_JOB_KINDS] as const;
export type TaskKind = (typeof TASK_KINDS)[number];

/** "waiting": its job has not started. "ready": an agent may lease it. */
export const TASK_STATES = [
  "waiting",
  "ready",
  "running",
  "succeeded",
  "failed",
  "skipped",
  "cancelled",
] as const;
export type TaskState = (typeof TASK_STATES)[number];

export const TASK_EVENTS = [
  "release",
  "lease",
  "finish",
  "fail",
  "skip",
  "lose-agent",
  "lose-worker",
  "cancel",
] as const;
export type TaskEvent = (typeof TASK_EVENTS)[number];

export const NEXT_TASK_STATE: Readonly<Record<TaskState, Readonly<Record<TaskEvent, Next<TaskState>>>>> = {
  waiting: {
    release: "ready",
    lease: "refuse",
    finish: "refuse",
    fail: "failed",
    skip: "skipped",
    "lose-agent": "waiting",
    "lose-worker": "waiting",
    cancel: "cancelled",
  },
  ready: {
    release: "ready",
    lease: "running",
    finish: "refuse",
    fail: "failed",
    skip: "skipped",
    "lose-agent": "ready",
    "lose-worker": "waiting",
    cancel: "cancelled",
  },
  running: {
    release: "running",
    lease: "refuse",
    finish: "succeeded",
    fail: "failed",
    skip: "refuse",
    "lose-agent": "ready",
    "lose-worker": "waiting",
    cancel: "cancelled",
  },
  succeeded: {
    release: "succeeded",
    lease: "refuse",
    finish: "succeeded",
    fail: "refuse",
    skip: "refuse",
    "lose-agent": "succeeded",
    "lose-worker": "succeeded",
    cancel: "refuse",
  },
  failed: {
    release: "failed",
    lease: "refuse",
    finish: "refuse",
    fail: "failed",
    skip: "refuse",
    "lose-agent": "failed",
    "lose-worker": "failed",
    cancel: "refuse",
  },
  skipped: {
    release: "skipped",
    lease: "refuse",
    finish: "refuse",
    fail: "refuse",
    skip: "skipped",
    "lose-agent": "skipped",
    "lose-worker": "skipped",
    cancel: "refuse",
  },
  cancelled: {
    release: "cancelled",
    lease: "refuse",
    finish: "refuse",
    fail: "refuse",
    skip: "refuse",
    "lose-agent": "cancelled",
    "lose-worker": "cancelled",
    cancel: "cancelled",
  },
};

export const FINAL_TASK_STATES = [
  "succeeded",
  "failed",
  "skipped",
  "cancelled",
] as const satisfies readonly TaskState[];

export function isFinalTaskState(state: TaskState): boolean {
  return (FINAL_TASK_STATES as readonly TaskState[]).includes(state);
}

/** What a job's end is, from its tasks' ends. Skipped tasks were announced by the plan and count as neither. */
export function jobEventFromTasks(
  states: readonly TaskState[],
): "finish" | "finish-partly" | "fail" | "cancel" {
  const counted = states.filter((state) => state !== "skipped");
  const succeeded = counted.filter((state) => state === "succeeded").length;
  if (succeeded === counted.length) return "finish";
  if (succeeded > 0) return "finish-partly";
  return counted.every((state) => state === "cancelled") ? "cancel" : "fail";
}

/** What a task is doing on its node, in the order of doing. Shown in the lanes of a job. */
export const TASK_STEPS = [
  "waiting",
  "leased",
  "comparing",
  "transferring",
  "writing",
  "flushing",
  "verifying",
  "evaluating",
  "deciding",
  "pruning",
  "marking",
  "freeing",
  "scrubbing",
  "re-segmenting",
  "pinning",
  "scanning",
  "recipes",
  "committing",
  "done",
] as const;
export type TaskStep = (typeof TASK_STEPS)[number];
