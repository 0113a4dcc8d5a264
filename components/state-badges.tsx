// The states of jobs, tasks, snapshots and PCs as badges; the words and looks come from job-words.ts.
import { Monitor, MonitorOff } from "lucide-react";
import type { JobState, TaskState } from "#lib/model/job.ts";
import { JOB_STATE_LOOKS, TASK_STATE_LOOKS, VERIFY_LOOKS, type VerifyState } from "./job-words.ts";
import { Badge } from "./ui/badge.tsx";

export function JobStateBadge({ state }: { state: JobState }) {
  const look = JOB_STATE_LOOKS[state];
  return (
    <Badge tone={look.tone} icon={look.icon}>
      {look.text}
    </Badge>
  );
}

export function TaskStateBadge({ state }: { state: TaskState }) {
  const look = TASK_STATE_LOOKS[state];
  return (
    <Badge tone={look.tone} icon={look.icon}>
      {look.text}
    </Badge>
  );
}

export function VerifyBadge({ state }: { state: VerifyState }) {
  const look = VERIFY_LOOKS[state];
  return (
    <Badge tone={look.tone} icon={look.icon}>
      {look.text}
    </Badge>
  );
}

export function OnlineBadge({ online }: { online: boolean }) {
  return online ? (
    <Badge tone="ok" icon={Monitor}>
      Online
    </Badge>
  ) : (
    <Badge icon={MonitorOff}>Offline</Badge>
  );
}
