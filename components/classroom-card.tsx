// A classroom at a glance, as one link: its name, how many of its PCs are ready, when it was last captured.
import Link from "next/link";
import { ReadinessBar } from "./readiness-bar.tsx";
import { ByteCount } from "./ui/byte-count.tsx";
import { LocalTime } from "./ui/local-time.tsx";

interface Room {
  readonly id: string;
  readonly name: string;
  readonly nodeCount: number;
  readonly diskBytes: number;
  readonly lastSnapshotAt: string | null;
  readonly counts: {
    readonly ready: number;
    readonly busy: number;
    readonly failed: number;
    readonly offline: number;
    readonly unprotected: number;
  };
}

export function ClassroomCardView({ room }: { room: Room }) {
  return (
    <Link
      href={`/classrooms/${room.id}`}
      className="block h-full rounded-lg border border-line bg-surface p-4 transition-colors hover:border-line-strong"
    >
      <div className="mb-3 flex items-baseline justify-between gap-4">
        <h2 className="min-w-0 truncate text-lg">{room.name}</h2>
        <span className="whitespace-nowrap text-sm text-ink-2">
          {room.nodeCount === 0 ? "no PCs" : `${room.counts.ready} of ${room.nodeCount} ready`}
        </span>
      </div>
      <ReadinessBar counts={room.counts} />
      <p className="mt-3 flex flex-wrap justify-between gap-x-4 text-xs text-ink-3">
        <span>
          {room.lastSnapshotAt === null ? (
            "Never captured"
          ) : (
            <>
              Last snapshot <LocalTime iso={room.lastSnapshotAt} />
            </>
          )}
        </span>
        {room.diskBytes === 0 ? null : (
          <span>
            <ByteCount bytes={room.diskBytes} /> of disks
          </span>
        )}
      </p>
    </Link>
  );
}
