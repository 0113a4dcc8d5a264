// Snapshots that no job made (imported, or found again in the repository after the database was lost) still deserve
// columns: those taken close together, each of another node, are one moment.
import type { MatrixMoment } from "#lib/model/matrix.ts";

/** A room's snapshots end within minutes of each other; its next round is rarely sooner than this. */
const SAME_MOMENT_MS = 5 * 60_000;

interface LooseSnapshot {
  readonly snapshotId: string;
  readonly nodeId: string;
  readonly createdAt: string;
}

export interface ImportMoment<Row extends LooseSnapshot> {
  readonly moment: MatrixMoment;
  readonly snapshots: readonly Row[];
}

/** `snapshots` in order of time. */
export function importMoments<Row extends LooseSnapshot>(snapshots: readonly Row[]): ImportMoment<Row>[] {
  const groups: Row[][] = [];
  for (const snapshot of snapshots) {
    const last = groups.at(-1);
    if (last !== undefined && belongs(last, snapshot)) last.push(snapshot);
    else groups.push([snapshot]);
  }
  return groups.flatMap((rows) => {
    const first = rows[0];
    if (first === undefined) return [];
    return [{ moment: momentOf(first, rows), snapshots: rows }];
  });
}

function belongs(group: readonly LooseSnapshot[], next: LooseSnapshot): boolean {
  const previous = group.at(-1);
  if (previous === undefined) return false;
  const gapMs = Date.parse(next.createdAt) - Date.parse(previous.createdAt);
  return gapMs <= SAME_MOMENT_MS && group.every((row) => row.nodeId !== next.nodeId);
}

function momentOf(first: LooseSnapshot, rows: readonly LooseSnapshot[]): MatrixMoment {
  const count = rows.length;
  return {
    id: first.snapshotId,
    jobId: null,
    kind: "import",
    title: count === 1 ? "1 snapshot without a job" : `${count} snapshots without a job`,
    at: first.createdAt,
    state: "succeeded",
    capturedUntil: rows.at(-1)?.createdAt ?? null,
    capturedCount: count,
  };
}
