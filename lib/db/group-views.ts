// Classrooms as pages read them: names with the state of their nodes in counts, never one query per node.
import { database } from "./client.ts";
import { isoOrNull } from "./view-words.ts";

/** One enrolled node with what a classroom card needs to judge it. */
export interface GroupNodeRow {
  readonly nodeId: string;
  readonly groupId: string | null;
  readonly name: string;
  readonly seat: number | null;
  readonly lastSeenAt: string | null;
  readonly lastSnapshotAt: string | null;
  /** The newest ended task of the node, if any. */
  readonly lastTaskState: string | null;
  readonly lastTaskKind: string | null;
  readonly busy: boolean;
  readonly diskBytes: number;
}

export interface GroupRow {
  readonly id: string;
  readonly name: string;
  readonly createdAt: string;
}

export async function listGroupRows(): Promise<GroupRow[]> {
  const rows = await database().group.findMany({ orderBy: { name: "asc" } });
  return rows.map((row) => ({ id: row.id, name: row.name, createdAt: row.createdAt.toISOString() }));
}

export async function findGroupRow(groupId: string): Promise<GroupRow | null> {
  const row = await database().group.findUnique({ where: { id: groupId } });
  return row === null ? null : { id: row.id, name: row.name, createdAt: row.createdAt.toISOString() };
}

/** Enrolled nodes of one classroom, or of all. By seat, then by name as people count (PC2 before PC10). */
export async function listGroupNodeRows(groupId?: string): Promise<GroupNodeRow[]> {
  const rows = await database().node.findMany({
    where: { lifeCycle: "enrolled", ...(groupId === undefined ? {} : { groupId }) },
    select: {
      id: true,
      groupId: true,
      name: true,
      seat: true,
      lastSeenAt: true,
      disks: { select: { sizeBytes: true } },
      snapshots: { select: { createdAt: true }, orderBy: { createdAt: "desc" }, take: 1 },
      tasks: {
        select: { state: true, kind: true },
        where: { state: { in: ["succeeded", "failed"] } },
        orderBy: { finishedAt: "desc" },
        take: 1,
      },
      _count: { select: { tasks: { where: { state: { in: ["ready", "running"] } } } } },
    },
  });
  return rows
    .map((row) => ({
      nodeId: row.id,
      groupId: row.groupId,
      name: row.name,
      seat: row.seat,
      lastSeenAt: isoOrNull(row.lastSeenAt),
      lastSnapshotAt: isoOrNull(row.snapshots[0]?.createdAt ?? null),
      lastTaskState: row.tasks[0]?.state ?? null,
      lastTaskKind: row.tasks[0]?.kind ?? null,
      busy: row._count.tasks > 0,
      diskBytes: row.disks.reduce((sum, disk) => sum + Number(disk.sizeBytes), 0),
    }))
    .sort(bySeatThenName);
}

const BY_NAME = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

function bySeatThenName(left: GroupNodeRow, right: GroupNodeRow): number {
  const seats = (left.seat ?? Number.MAX_SAFE_INTEGER) - (right.seat ?? Number.MAX_SAFE_INTEGER);
  return seats === 0 ? BY_NAME.compare(left.name, right.name) : seats;
}
