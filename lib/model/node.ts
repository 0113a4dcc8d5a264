// A node is a managed PC. Its states are orthogonal: where it stands in its life cycle, whether its agent is heard, and
// what it is doing. Each has its own list; no combined enum.

export const NODE_LIFE_CYCLES = ["pending", "enrolled", "retired", "refused"] as const;
export type NodeLifeCycle = (typeof NODE_LIFE_CYCLES)[number];

/** An agent says hello or polls at least every 20 s; three missed rounds make it offline. For people only. */
export const NODE_OFFLINE_AFTER_MS = 60_000;

export function isOnline(lastSeenAtMs: number | null, nowMs: number): boolean {
  return lastSeenAtMs !== null && nowMs - lastSeenAtMs < NODE_OFFLINE_AFTER_MS;
}

/** The name of what lies outside partitions: partition table, boot code area, backup table. */
export const DISK_LAYOUT = "disk-layout";

/** One archivable stretch of a disk. Offsets and sizes in bytes. */
export interface PartitionInfo {
  readonly name: string;
  readonly label: string;
  readonly typeName: string;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

export interface DiskInfo {
  readonly serial: string;
  readonly model: string;
  readonly sizeBytes: number;
  readonly sectorSize: number;
  readonly partitions: readonly PartitionInfo[];
}

/** 1 to 64 letters, digits, dots, dashes and underscores, beginning with a letter or digit: fits a host name, a file name
 *  and a column. */
export function isNodeName(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text);
}
