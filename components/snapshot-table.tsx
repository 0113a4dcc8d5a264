// Snapshots of one PC as rows, newest first: version, when, why, how much was new, whether it was verified and is pinned.
import { Pin } from "lucide-react";
import Link from "next/link";
import type { ReactNode } from "react";
import type { SnapshotPurpose } from "#lib/model/snapshot.ts";
import { PURPOSE_WORDS, type VerifyState } from "./job-words.ts";
import { VerifyBadge } from "./state-badges.tsx";
import { ByteCount } from "./ui/byte-count.tsx";
import { LocalTime } from "./ui/local-time.tsx";
import { HeadRow, Row, Table, Td, Th } from "./ui/table.tsx";

export interface SnapshotSummary {
  readonly id: string;
  readonly version: number;
  readonly createdAt: string;
  readonly purpose: SnapshotPurpose;
  readonly comment: string;
  readonly sizeBytes: number;
  readonly newBytes: number;
  readonly storedBytes: number;
  readonly verifyState: VerifyState;
  /** Null: not pinned. */
  readonly pinReason: string | null;
}

export function SnapshotTable({
  snapshots,
  action,
}: {
  snapshots: readonly SnapshotSummary[];
  /** What can be done from a row. On a phone the page's own buttons do it. */
  action?: (snapshot: SnapshotSummary) => ReactNode;
}) {
  return (
    <Table label="Snapshots">
      <HeadRow>
        <Th>Version</Th>
        <Th>Taken</Th>
        <Th className="hidden md:table-cell">Why</Th>
        <Th className="text-right">New</Th>
        <Th className="hidden text-right sm:table-cell">Stored</Th>
        <Th className="hidden text-right lg:table-cell">Logical</Th>
        <Th className="hidden sm:table-cell">Trust</Th>
        {action === undefined ? null : (
          <Th className="hidden sm:table-cell">
            <span className="sr-only">Actions</span>
          </Th>
        )}
      </HeadRow>
      <tbody>
        {snapshots.map((snapshot) => (
          <Row key={snapshot.id}>
            <Td>
              <Link href={`/snapshots/${snapshot.id}`} className="font-medium hover:underline">
                v{snapshot.version}
              </Link>
              {snapshot.pinReason === null ? null : (
                <span
                  title={`Pinned: ${snapshot.pinReason}`}
                  className="ml-1.5 inline-block align-[-1px] text-accent"
                >
                  <Pin aria-hidden size={12} />
                  <span className="sr-only">Pinned: {snapshot.pinReason}</span>
                </span>
              )}
            </Td>
            <Td className="text-ink-2">
              <LocalTime iso={snapshot.createdAt} />
            </Td>
            <Td className="hidden max-w-60 truncate md:table-cell" title={snapshot.comment}>
              {snapshot.comment === "" ? (
                <span className="text-ink-2">{PURPOSE_WORDS[snapshot.purpose]}</span>
              ) : (
                snapshot.comment
              )}
            </Td>
            <Td className="text-right">
              <ByteCount bytes={snapshot.newBytes} />
            </Td>
            <Td className="hidden text-right sm:table-cell">
              <ByteCount bytes={snapshot.storedBytes} />
            </Td>
            <Td className="hidden text-right text-ink-2 lg:table-cell">
              <ByteCount bytes={snapshot.sizeBytes} />
            </Td>
            <Td className="hidden sm:table-cell">
              <VerifyBadge state={snapshot.verifyState} />
            </Td>
            {action === undefined ? null : (
              <Td className="hidden text-right sm:table-cell">{action(snapshot)}</Td>
            )}
          </Row>
        ))}
      </tbody>
    </Table>
  );
}
