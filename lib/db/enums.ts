// Prisma's enums against the model's lists: a state added on one side only does not compile. The spelling of kinds
// differs, because a Prisma enum's name has no dashes.
import type { JobKind, JobState, TaskKind, TaskState } from "#lib/model/job.ts";
import type { NodeLifeCycle } from "#lib/model/node.ts";
import type { Role } from "#lib/model/people.ts";
import type {
  DeliveryState,
  RecipientKind,
  RunState,
  ScheduleKind,
  ScheduleTargetKind,
} from "#lib/model/schedule.ts";
import type { SnapshotPurpose } from "#lib/model/snapshot.ts";
import type * as rows from "./generated/enums.ts";

type Equal<Left, Right> = [Left] extends [Right] ? ([Right] extends [Left] ? true : never) : never;
type Dashed<Text extends string> = Text extends `${infer Head}_${infer Tail}`
  ? `${Head}-${Dashed<Tail>}`
  : Text;

/** Each is `true` or does not compile.
 *  @public Nobody reads it: it is there for the compiler. */
export const ENUMS_AGREE: readonly [
  Equal<Dashed<rows.JobKind>, JobKind>,
  Equal<rows.JobState, JobState>,
  Equal<Dashed<rows.TaskKind>, TaskKind>,
  Equal<rows.TaskState, TaskState>,
  Equal<rows.NodeLifeCycle, NodeLifeCycle>,
  Equal<rows.SnapshotPurpose, SnapshotPurpose>,
  Equal<rows.Role, Role>,
  Equal<Dashed<rows.ScheduleKind>, ScheduleKind>,
  Equal<rows.ScheduleTarget, ScheduleTargetKind>,
  Equal<rows.ScheduleRunState, RunState>,
  Equal<rows.RecipientKind, RecipientKind>,
  Equal<rows.DeliveryState, DeliveryState>,
] = [true, true, true, true, true, true, true, true, true, true, true, true];

export function jobKindOfRow(kind: rows.JobKind): JobKind {
  return kind.replaceAll("_", "-") as JobKind; // ENUMS_AGREE proves it
}

export function jobKindForRow(kind: JobKind): rows.JobKind {
  return kind.replaceAll("-", "_") as rows.JobKind; // ENUMS_AGREE proves it
}

export function taskKindOfRow(kind: rows.TaskKind): TaskKind {
  return kind.replaceAll("_", "-") as TaskKind; // likewise
}

export function taskKindForRow(kind: TaskKind): rows.TaskKind {
  return kind.replaceAll("-", "_") as rows.TaskKind; // likewise
}

export function scheduleKindOfRow(kind: rows.ScheduleKind): ScheduleKind {
  return kind.replaceAll("_", "-") as ScheduleKind; // likewise
}

export function scheduleKindForRow(kind: ScheduleKind): rows.ScheduleKind {
  return kind.replaceAll("-", "_") as rows.ScheduleKind; // likewise
}
