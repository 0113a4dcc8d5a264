// The disk layout is what lies outside partitions and makes a disk boot: the table and boot code before the first
// partition, and GPT's backup table after the last. It is archived like a partition: its bytes are the disk's head
// followed by the disk's tail. Both ends must cut at the same places, so the rule is here.

// A disk that is mostly unpartitioned has gigabytes outside partitions. Boot code and tables are at the very ends: 16 MiB
// holds any boot loader's gap, 1 MiB any backup table.
const HEAD_BYTES_MAX = 16 * 1024 * 1024;
const TAIL_BYTES_MAX = 1024 * 1024;

export interface LayoutWindow {
  readonly headBytes: number;
  readonly tailBytes: number;
}

interface Stretch {
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

/** Which bytes of a disk of `diskBytes` with these partitions (at least one) are its layout. */
export function layoutWindowOf(diskBytes: number, partitions: readonly Stretch[]): LayoutWindow {
  const first = Math.min(...partitions.map((partition) => partition.offsetBytes));
  const end = Math.max(...partitions.map((partition) => partition.offsetBytes + partition.sizeBytes));
  return {
    headBytes: Math.min(first, HEAD_BYTES_MAX),
    tailBytes: Math.min(Math.max(0, diskBytes - end), TAIL_BYTES_MAX),
  };
}

/** No image of a disk layout is larger; a receiver may hold one in memory. */
export const LAYOUT_BYTES_MAX = HEAD_BYTES_MAX + TAIL_BYTES_MAX;
