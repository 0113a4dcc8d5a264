// One node as its page reads it, and the enrolment inbox. Node data is what the PC said about itself: text to show, never
// to interpret.
import type { DiskInfo, NodeLifeCycle } from "#lib/model/node.ts";
import { database } from "./client.ts";
import { isoOrNull } from "./view-words.ts";

export interface NodeRow {
  readonly id: string;
  readonly name: string;
  readonly groupId: string | null;
  readonly groupName: string | null;
  readonly seat: number | null;
  readonly lifeCycle: NodeLifeCycle;
  readonly macAddress: string | null;
  readonly serialNumber: string | null;
  readonly agentVersion: string | null;
  readonly lastSeenAt: string | null;
  readonly createdAt: string;
  readonly disks: readonly DiskInfo[];
}

export interface PendingNodeRow {
  readonly id: string;
  readonly proposedName: string;
  readonly code: string;
  readonly macAddress: string | null;
  readonly serialNumber: string | null;
  readonly agentVersion: string | null;
  readonly keyHash: string;
  readonly firstSeenAt: string;
  readonly lastSeenAt: string | null;
}

const PENDING_MAX = 500;

export async function findNodeRow(nodeId: string): Promise<NodeRow | null> {
  const row = await database().node.findUnique({
    where: { id: nodeId },
    include: {
      group: { select: { name: true } },
      disks: { orderBy: { serial: "asc" }, include: { partitions: { orderBy: { offsetBytes: "asc" } } } },
    },
  });
  if (row === null) return null;
  return {
    id: row.id,
    name: row.name,
    groupId: row.groupId,
    groupName: row.group?.name ?? null,
    seat: row.seat,
    lifeCycle: row.lifeCycle,
    macAddress: row.macAddress,
    serialNumber: row.serialNumber,
    agentVersion: row.agentVersion,
    lastSeenAt: isoOrNull(row.lastSeenAt),
    createdAt: row.createdAt.toISOString(),
    disks: row.disks.map((disk) => ({
      serial: disk.serial,
      model: disk.model,
      sizeBytes: Number(disk.sizeBytes),
      sectorSize: disk.sectorSize,
      partitions: disk.partitions.map((partition) => ({
        name: partition.name,
        label: partition.label,
        typeName: partition.typeName,
        offsetBytes: Number(partition.offsetBytes),
        sizeBytes: Number(partition.sizeBytes),
      })),
    })),
  };
}

export async function listPendingNodeRows(): Promise<PendingNodeRow[]> {
  const rows = await database().node.findMany({
    where: { lifeCycle: "pending" },
    orderBy: { createdAt: "asc" },
    take: PENDING_MAX,
  });
  return rows.map((row) => ({
    id: row.id,
    proposedName: row.name,
    code: row.enrolmentCode,
    macAddress: row.macAddress,
    serialNumber: row.serialNumber,
    agentVersion: row.agentVersion,
    keyHash: row.keyHash,
    firstSeenAt: row.createdAt.toISOString(),
    lastSeenAt: isoOrNull(row.lastSeenAt),
  }));
}

export async function countPendingNodes(): Promise<number> {
  return database().node.count({ where: { lifeCycle: "pending" } });
}
