// One classroom as its matrix: rows nodes, columns the newest moments (or those before a given time), cells the effective
// state. Only cells where something happened carry facts; the rest follow from them (lib/model/matrix.ts).
import "server-only";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/viewer.ts";
import { findGroupRow, type GroupNodeRow, listGroupNodeRows } from "#lib/db/group-views.ts";
import {
  type EffectiveSnapshot,
  effectiveSnapshotsAt,
  listMatrixSnapshotRows,
  listMatrixTaskRows,
  listMomentRows,
  type MatrixSnapshotRow,
  type MatrixTaskRow,
  type MomentRow,
  versionsOf,
} from "#lib/db/matrix-views.ts";
import type { NodeIdentity } from "#lib/model/localization.ts";
import {
  type EffectiveState,
  type MatrixMoment,
  type MatrixVersion,
  NEVER_CAPTURED,
  type NodeEvent,
} from "#lib/model/matrix.ts";
import { isOnline } from "#lib/model/node.ts";
import { identitiesOf } from "./identities.ts";
import { importMoments } from "./import-moments.ts";
import { countReadiness, type ReadinessCounts } from "./room-readiness.ts";

/** Columns per view: about three screens of moments; older ones are one click away. */
const MOMENTS_MAX = 60;

export interface MatrixRowView {
  readonly nodeId: string;
  readonly name: string;
  readonly seat: number | null;
  readonly online: boolean;
  readonly lastSeenAt: string | null;
  readonly before: EffectiveState;
  readonly events: readonly NodeEvent[];
  /** Whether it holds what it is told; null when nobody told it anything and nothing is wrong. */
  readonly identity: NodeIdentity | null;
}

export interface ClassroomView {
  readonly id: string;
  readonly name: string;
  readonly counts: ReadinessCounts;
  readonly nodeCount: number;
  readonly diskBytes: number;
  readonly moments: readonly MatrixMoment[];
  readonly rows: readonly MatrixRowView[];
  /** For the link to older moments; null when these are the first. */
  readonly olderBefore: string | null;
  /** A job is under way: the page should stay live. */
  readonly active: boolean;
}

export async function classroomView(
  viewer: Viewer,
  groupId: string,
  window: { before: string | null },
): Promise<ClassroomView | null> {
  permit(viewer, "read");
  const group = await findGroupRow(groupId);
  if (group === null) return null;
  const [nodes, found] = await Promise.all([
    listGroupNodeRows(groupId),
    listMomentRows(groupId, { countMax: MOMENTS_MAX + 1, before: window.before }),
  ]);
  const jobs = found.slice(0, MOMENTS_MAX).reverse();
  const from = found.length > MOMENTS_MAX ? (jobs[0]?.at ?? null) : null;
  const jobIds = jobs.map((job) => job.jobId);
  const [tasks, snapshots, start, identities] = await Promise.all([
    listMatrixTaskRows(groupId, jobIds),
    listMatrixSnapshotRows(groupId, jobIds, { from, before: window.before }),
    effectiveBefore(nodes, from),
    identitiesOf(nodes.map(({ nodeId }) => nodeId)),
  ]);
  const versions = await versionsOf([
    ...snapshots.map((row) => row.snapshotId),
    ...tasks.flatMap((task) => task.targetSnapshotId ?? []),
    ...[...start.values()].map((effective) => effective.snapshotId),
  ]);
  const imported = importMoments(snapshots.filter((row) => row.jobId === null));
  const moments = [
    ...jobs.map((job) => jobMoment(job, snapshots)),
    ...imported.map((entry) => entry.moment),
  ].sort((left, right) => left.at.localeCompare(right.at));
  const eventsOf = eventsByNode(tasks, snapshots, imported, versions);
  const nowMs = Date.now();
  return {
    id: group.id,
    name: group.name,
    counts: countReadiness(nodes, nowMs),
    nodeCount: nodes.length,
    diskBytes: nodes.reduce((sum, node) => sum + node.diskBytes, 0),
    moments,
    rows: nodes.map((node) =>
      rowOf(
        node,
        versions.get(start.get(node.nodeId)?.snapshotId ?? ""),
        eventsOf,
        identities.get(node.nodeId) ?? null,
        nowMs,
      ),
    ),
    olderBefore: from,
    active: jobs.some((job) => job.state === "queued" || job.state === "running"),
  };
}

/** Nothing is before the very first moment. */
async function effectiveBefore(
  nodes: readonly GroupNodeRow[],
  from: string | null,
): Promise<Map<string, EffectiveSnapshot>> {
  if (from === null) return new Map();
  return effectiveSnapshotsAt(
    nodes.map((node) => node.nodeId),
    from,
  );
}

function jobMoment(job: MomentRow, snapshots: readonly MatrixSnapshotRow[]): MatrixMoment {
  // Safety snapshots are of what was there before: this moment is what came after.
  const isRollBack = job.kind === "restore-node" || job.kind === "roll-back-classroom";
  const taken = isRollBack ? [] : snapshots.filter((row) => row.jobId === job.jobId);
  return {
    ...job,
    id: job.jobId,
    capturedUntil: taken.at(-1)?.createdAt ?? null,
    capturedCount: taken.length,
  };
}

function rowOf(
  node: GroupNodeRow,
  before: MatrixVersion | undefined,
  eventsOf: ReadonlyMap<string, readonly NodeEvent[]>,
  identity: NodeIdentity | null,
  nowMs: number,
): MatrixRowView {
  return {
    nodeId: node.nodeId,
    name: node.name,
    seat: node.seat,
    online: isOnline(node.lastSeenAt === null ? null : Date.parse(node.lastSeenAt), nowMs),
    lastSeenAt: node.lastSeenAt,
    before: before === undefined ? NEVER_CAPTURED : { version: before, certain: true },
    events: eventsOf.get(node.nodeId) ?? [],
    identity,
  };
}

function eventsByNode(
  tasks: readonly MatrixTaskRow[],
  snapshots: readonly MatrixSnapshotRow[],
  imported: readonly { moment: MatrixMoment; snapshots: readonly MatrixSnapshotRow[] }[],
  versions: ReadonlyMap<string, MatrixVersion>,
): Map<string, NodeEvent[]> {
  const taken = new Map(snapshots.map((row) => [`${row.jobId} ${row.nodeId}`, row]));
  const events = new Map<string, NodeEvent[]>();
  const add = (nodeId: string, event: NodeEvent) => {
    const list = events.get(nodeId);
    if (list === undefined) events.set(nodeId, [event]);
    else list.push(event);
  };
  for (const task of tasks) {
    const snapshot = task.kind === "archive" ? taken.get(`${task.jobId} ${task.nodeId}`) : undefined;
    const versionId = snapshot?.snapshotId ?? task.targetSnapshotId;
    add(task.nodeId, {
      momentId: task.jobId,
      event: task.event,
      kind: task.kind,
      version: versionId === null ? null : (versions.get(versionId) ?? null),
      begun: task.begun,
      failure: task.failure,
      changedBytes: snapshot?.newBytes ?? task.writtenBytes,
    });
  }
  for (const { moment, snapshots: rows } of imported) {
    for (const row of rows) {
      add(row.nodeId, {
        momentId: moment.id,
        event: "captured",
        kind: "archive",
        version: versions.get(row.snapshotId) ?? null,
        begun: true,
        failure: null,
        changedBytes: row.newBytes,
      });
    }
  }
  return events;
}
