// What /metrics tells of this installation, as plain figures; app/metrics writes them in Prometheus's words. Labels are bounded: kinds,
// states and codes are lists of ours, classrooms are at most CLASSROOMS_MAX, and PCs are named only when somebody asks for them.
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import * as rows from "#lib/db/metrics-views.ts";
import { countTickets } from "#lib/queue/ticket-count.ts";

/** More rooms than any school has; those behind them in the alphabet are told together. */
const CLASSROOMS_MAX = 200;
/** @public For the test. */
export const OTHER_CLASSROOMS = "(other)";
/** A Prometheus on a small machine takes this many series without notice. */
const NODES_MAX = 5_000;

export interface Metrics {
  readonly jobs: Awaited<ReturnType<typeof rows.countJobs>>;
  readonly tasks: Awaited<ReturnType<typeof rows.countTasks>>;
  readonly failedTasks: ReadonlyMap<string, number>;
  readonly nodes: Awaited<ReturnType<typeof rows.countNodes>>;
  readonly snapshots: Awaited<ReturnType<typeof rows.countSnapshots>>;
  readonly classrooms: readonly rows.ClassroomFigures[];
  /** Empty unless asked for. */
  readonly namedNodes: readonly rows.NodeFigures[];
  readonly storage: Awaited<ReturnType<typeof rows.newestSamples>>;
  readonly upkeep: Awaited<ReturnType<typeof rows.lastUpkeep>>;
  /** Null while Redis does not answer. */
  readonly ticketCount: number | null;
  readonly nowMs: number;
}

export async function readMetrics(
  viewer: Viewer,
  { namesNodes, nowMs }: { readonly namesNodes: boolean; readonly nowMs: number },
): Promise<Metrics> {
  permit(viewer, "read");
  const [jobs, tasks, failedTasks, nodes, snapshots, classrooms, storage, upkeep, ticketCount, namedNodes] =
    await Promise.all([
      rows.countJobs(),
      rows.countTasks(),
      rows.countFailedTasks(),
      rows.countNodes(),
      rows.countSnapshots(),
      rows.readClassroomFigures(nowMs),
      rows.newestSamples(),
      rows.lastUpkeep(),
      countTickets(),
      namesNodes ? rows.readNodeFigures(nowMs, NODES_MAX) : [],
    ]);
  return {
    ...{ jobs, tasks, failedTasks, nodes, snapshots, storage, upkeep, ticketCount, namedNodes, nowMs },
    classrooms: boundedClassrooms(classrooms, CLASSROOMS_MAX),
  };
}

/** @public For the test. */
export function boundedClassrooms(
  classrooms: readonly rows.ClassroomFigures[],
  max: number,
): rows.ClassroomFigures[] {
  const [first, ...others] = classrooms.slice(max);
  const shown = classrooms.slice(0, max);
  if (first === undefined) return shown;
  return [...shown, others.reduce(together, { ...first, classroom: OTHER_CLASSROOMS })];
}

function together(sum: rows.ClassroomFigures, one: rows.ClassroomFigures): rows.ClassroomFigures {
  const [left, right] = [sum.newestSnapshotAt, one.newestSnapshotAt];
  return {
    classroom: sum.classroom,
    enrolled: sum.enrolled + one.enrolled,
    online: sum.online + one.online,
    withoutSnapshot: sum.withoutSnapshot + one.withoutSnapshot,
    newestSnapshotAt: left !== null && (right === null || left > right) ? left : right,
    stalestAt: new Date(Math.min(sum.stalestAt.getTime(), one.stalestAt.getTime())),
  };
}
