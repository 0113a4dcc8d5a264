// The words of what happens by itself: kinds of schedules, whom they touch, the rules for what did not go as planned, and the life of
// a run. Pure lists and types; when something is due is decided in lib/schedule.
export const SCHEDULE_KINDS = [
  "snapshot",
  "roll-back",
  "clone",
  "localize",
  "prune",
  "gc",
  "scrub",
  "re-segment",
  "evaluate",
] as const;
export type ScheduleKind = (typeof SCHEDULE_KINDS)[number];

export const SCHEDULE_TARGETS = ["classroom", "nodes", "repository"] as const;
export type ScheduleTargetKind = (typeof SCHEDULE_TARGETS)[number];

/** Whom a kind may touch: complete, so that a new kind does not compile until someone has decided. */
export const TARGETS_OF_KIND: Readonly<Record<ScheduleKind, readonly ScheduleTargetKind[]>> = {
  snapshot: ["classroom", "nodes"],
  "roll-back": ["classroom"],
  clone: ["classroom", "nodes"],
  localize: ["classroom", "nodes"],
  prune: ["repository"],
  gc: ["repository"],
  scrub: ["repository"],
  "re-segment": ["repository"],
  evaluate: ["repository"],
};

export type ScheduleTarget =
  | { readonly kind: "classroom"; readonly groupId: string }
  | { readonly kind: "nodes"; readonly nodeIds: readonly string[] }
  | { readonly kind: "repository" };

export const WHEN_MISSED = ["run-once-when-back", "skip"] as const;
export type WhenMissed = (typeof WHEN_MISSED)[number];
export const WHEN_CLOSED = ["wait", "skip"] as const;
export type WhenClosed = (typeof WHEN_CLOSED)[number];
export const WHEN_OVER = ["let-finish", "stop-starting", "cancel"] as const;
export type WhenOver = (typeof WHEN_OVER)[number];

/** How many PCs begin at a time, and when no more do. */
export interface WavePolicy {
  /** 0: nobody goes ahead. */
  readonly canaryCount: number;
  /** 0: all the others at once. */
  readonly waveSize: number;
  /** More failures than this among a wave's PCs that were tried, and no other wave begins. */
  readonly failPercentMax: number;
}

export interface Schedule {
  readonly id: string;
  readonly name: string;
  readonly kind: ScheduleKind;
  readonly target: ScheduleTarget;
  /** By kind; checked when it was saved, and again by the command that each run calls. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly cron: string;
  /** IANA name. */
  readonly timeZone: string;
  readonly enabled: boolean;
  readonly whenMissed: WhenMissed;
  readonly whenClosed: WhenClosed;
  readonly whenOver: WhenOver;
  readonly waves: WavePolicy;
  readonly graceMinutes: number;
  readonly nextRunAt: string | null;
  readonly createdBy: string;
  readonly updatedBy: string;
  readonly createdAt: string;
}

/** "waiting": for its window, or for the run before it. "partial": some PCs succeeded and some did not. */
export const RUN_STATES = [
  "waiting",
  "running",
  "succeeded",
  "partial",
  "failed",
  "skipped",
  "cancelled",
] as const;
export type RunState = (typeof RUN_STATES)[number];
export const OPEN_RUN_STATES = ["waiting", "running"] as const satisfies readonly RunState[];
export type FinalRunState = Exclude<RunState, (typeof OPEN_RUN_STATES)[number]>;

export const RECIPIENT_KINDS = ["mail", "webhook", "push"] as const;
export type RecipientKind = (typeof RECIPIENT_KINDS)[number];

export const DELIVERY_STATES = ["pending", "sending", "sent", "failed", "uncertain"] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];
