// The words and looks of schedules and their runs. Complete tables: a new kind or state does not compile until someone has named it here.
import {
  Ban,
  CircleCheck,
  CircleDot,
  CircleX,
  Clock,
  type LucideIcon,
  MinusCircle,
  TriangleAlert,
} from "lucide-react";
import type {
  DeliveryState,
  RunState,
  ScheduleKind,
  WhenClosed,
  WhenMissed,
  WhenOver,
} from "#lib/model/schedule.ts";
import type { Tone } from "../ui/badge.tsx";

export interface Look {
  readonly text: string;
  readonly tone: Tone;
  readonly icon: LucideIcon;
}

export const RUN_STATE_LOOKS: Readonly<Record<RunState, Look>> = {
  waiting: { text: "Waiting", tone: "neutral", icon: Clock },
  running: { text: "Running", tone: "accent", icon: CircleDot },
  succeeded: { text: "Succeeded", tone: "ok", icon: CircleCheck },
  partial: { text: "Partly done", tone: "warn", icon: TriangleAlert },
  failed: { text: "Failed", tone: "bad", icon: CircleX },
  skipped: { text: "Did not run", tone: "warn", icon: MinusCircle },
  cancelled: { text: "Stopped", tone: "neutral", icon: Ban },
};

export const DELIVERY_LOOKS: Readonly<Record<DeliveryState, Look>> = {
  pending: { text: "To be sent", tone: "neutral", icon: Clock },
  sending: { text: "Sending", tone: "accent", icon: CircleDot },
  sent: { text: "Sent", tone: "ok", icon: CircleCheck },
  failed: { text: "Failed", tone: "bad", icon: CircleX },
  uncertain: { text: "Uncertain", tone: "warn", icon: TriangleAlert },
};

export const SCHEDULE_KIND_WORDS: Readonly<Record<ScheduleKind, string>> = {
  snapshot: "Snapshot",
  "roll-back": "Roll back",
  clone: "Clone a master",
  localize: "Localize from a master",
  prune: "Prune old snapshots",
  gc: "Free what nothing needs",
  scrub: "Scrub the store",
  "re-segment": "Compress cold packs anew",
  evaluate: "Evaluate techniques",
};

export const WHEN_MISSED_WORDS: Readonly<Record<WhenMissed, string>> = {
  "run-once-when-back": "Run once when it is back",
  skip: "Skip it",
};
export const WHEN_CLOSED_WORDS: Readonly<Record<WhenClosed, string>> = {
  wait: "Wait until one opens",
  skip: "Skip it",
};
export const WHEN_OVER_WORDS: Readonly<Record<WhenOver, string>> = {
  "let-finish": "Let everything finish",
  "stop-starting": "Begin no further PC",
  cancel: "Cancel what runs",
};
