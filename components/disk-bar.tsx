// A disk to scale: its partitions where they lie, unallocated stretches between them. Very small partitions keep a visible
// sliver; the table beneath has the exact figures.
import type { DiskInfo, PartitionInfo } from "#lib/model/node.ts";
import { formatBytes } from "#lib/model/units.ts";
import { ByteCount } from "./ui/byte-count.tsx";
import { classNames } from "./ui/class-names.ts";
import { HeadRow, Row, Table, Td, Th } from "./ui/table.tsx";

interface Stretch {
  readonly key: string;
  readonly lengthBytes: number;
  readonly partition: PartitionInfo | null;
}

/** Gaps below this share of the disk are alignment, not free space worth drawing. */
const GAP_SHARE_MIN = 0.005;

const FILLS = [
  "bg-accent-soft text-accent",
  "bg-back-soft text-back",
  "bg-ok-soft text-ok",
  "bg-warn-soft text-warn",
] as const;

export function DiskBar({ disk }: { disk: DiskInfo }) {
  const placed = disk.partitions.filter((partition) => partition.name !== "disk-layout");
  const stretches = stretchesOf(disk, placed);
  return (
    <div className="space-y-3">
      <div className="flex flex-wrap items-baseline justify-between gap-x-4 text-sm">
        <p className="min-w-0 break-words">
          <span className="font-medium">{disk.model || "Disk"}</span>{" "}
          <span className="font-mono text-xs text-ink-3">{disk.serial}</span>
        </p>
        <p className="text-ink-2">
          <ByteCount bytes={disk.sizeBytes} /> · {disk.sectorSize} B sectors
        </p>
      </div>
      <div
        role="img"
        aria-label={`Disk of ${formatBytes(disk.sizeBytes)}: ${placed.map((p) => `${p.name} ${formatBytes(p.sizeBytes)}`).join(", ")}`}
        className="flex h-10 gap-px overflow-hidden rounded-md border border-line-strong bg-line"
      >
        {stretches.map((stretch) => (
          <div
            key={stretch.key}
            title={stretch.partition === null ? "Unallocated" : stretch.partition.name}
            style={{ flexGrow: stretch.lengthBytes / disk.sizeBytes, flexBasis: 6 }}
            className={classNames(
              "grid min-w-1.5 place-items-center overflow-hidden text-xs font-medium",
              stretch.partition === null ? "hatched bg-sunken" : fillOf(placed.indexOf(stretch.partition)),
            )}
          >
            {stretch.partition !== null && stretch.lengthBytes / disk.sizeBytes > 0.08 ? (
              <span className="truncate px-1">{stretch.partition.name}</span>
            ) : null}
          </div>
        ))}
      </div>
      <Table label={`Partitions of ${disk.serial}`}>
        <HeadRow>
          <Th>Partition</Th>
          <Th>Label</Th>
          <Th>Type</Th>
          <Th className="text-right">Offset</Th>
          <Th className="text-right">Size</Th>
        </HeadRow>
        <tbody>
          {disk.partitions.map((partition) => (
            <Row key={partition.name}>
              <Td className="whitespace-nowrap font-medium">
                <span
                  aria-hidden
                  className={classNames(
                    "mr-2 inline-block size-2.5 rounded-sm border border-line-strong",
                    partition.name === "disk-layout" ? "bg-line-strong" : fillOf(placed.indexOf(partition)),
                  )}
                />
                {partition.name === "disk-layout" ? "Disk layout" : partition.name}
              </Td>
              <Td>{partition.label || "–"}</Td>
              <Td className="text-ink-2">{partition.typeName || "–"}</Td>
              <Td className="text-right text-ink-2">
                <ByteCount bytes={partition.offsetBytes} />
              </Td>
              <Td className="text-right">
                <ByteCount bytes={partition.sizeBytes} />
              </Td>
            </Row>
          ))}
        </tbody>
      </Table>
    </div>
  );
}

function fillOf(index: number): string {
  return FILLS[Math.max(0, index) % FILLS.length] ?? FILLS[0];
}

function stretchesOf(disk: DiskInfo, placed: readonly PartitionInfo[]): Stretch[] {
  const sorted = [...placed].sort((left, right) => left.offsetBytes - right.offsetBytes);
  const stretches: Stretch[] = [];
  let endBytes = 0;
  const addGap = (untilBytes: number) => {
    const lengthBytes = untilBytes - endBytes;
    if (lengthBytes / disk.sizeBytes < GAP_SHARE_MIN) return;
    stretches.push({ key: `gap-${endBytes}`, lengthBytes, partition: null });
  };
  for (const partition of sorted) {
    addGap(partition.offsetBytes);
    stretches.push({ key: partition.name, lengthBytes: partition.sizeBytes, partition });
    endBytes = Math.max(endBytes, partition.offsetBytes + partition.sizeBytes);
  }
  addGap(disk.sizeBytes);
  return stretches;
}
