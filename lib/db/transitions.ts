// The state tables of lib/model/job.ts as compare-and-set conditions: which states an event may be applied in, and what
// it leads to. Every change of a job's or task's state goes through here, so no query can invent a transition.
import {
  JOB_STATES,
  type JobEvent,
  type JobState,
  NEXT_JOB_STATE,
  NEXT_TASK_STATE,
  TASK_STATES,
  type TaskEvent,
  type TaskState,
} from "#lib/model/job.ts";

/** States in which `event` moves a job to `to` (a job already there is not moved again). */
export function jobStatesMovedBy(event: JobEvent, to: JobState): JobState[] {
  return JOB_STATES.filter((state) => state !== to && NEXT_JOB_STATE[state][event] === to);
}

/** States in which `event` moves a task to `to`. */
export function taskStatesMovedBy(event: TaskEvent, to: TaskState): TaskState[] {
  return TASK_STATES.filter((state) => state !== to && NEXT_TASK_STATE[state][event] === to);
}

/** Jobs in these states still need their nodes. */
export const OPEN_JOB_STATES = JOB_STATES.filter(
  (state) => NEXT_JOB_STATE[state].cancel === "cancelled" && state !== "cancelled",
);
/** Tasks in these states hold their node. */
export const OPEN_TASK_STATES = TASK_STATES.filter(
  (state) => NEXT_TASK_STATE[state].cancel === "cancelled" && state !== "cancelled",
);
