// Prune removes snapshot files and nothing else: it takes seconds and frees almost nothing. What only those snapshots needed
// is GC's to free.
//
// Before the first file goes, the ledger learns what only the files say: which numbers are used up, and which packs they had listed.
import { CodedError } from "#lib/model/errors.ts";
import { diffsAgainst } from "#lib/model/snapshot.ts";
import { type StoredSnapshot, snapshotFileName } from "../format/snapshot-format.ts";
import type { RepositoryState } from "../repository-state.ts";
import type { PruneReport } from "../types.ts";

const DIFFS_TOLD_MAX = 10;

/** All or nothing is refused; a failure on the way leaves the rest for the next time. */
export async function pruneSnapshots(
  state: RepositoryState,
  snapshots: readonly StoredSnapshot[],
): Promise<PruneReport> {
  for (const snapshot of snapshots) checkRemovable(state, snapshot);
  checkBases(state, snapshots);
  if (snapshots.length === 0) return { removedIds: [] };
  await state.lock?.assertHeld();
  await rememberInLedger(state, snapshots);
  const removedIds: string[] = [];
  for (const snapshot of snapshots) {
    // Again: the ledger took time to write.
    checkRemovable(state, snapshot);
    await removeFile(state, snapshot);
    removedIds.push(snapshot.record.id);
  }
  return { removedIds };
}

function checkRemovable(state: RepositoryState, snapshot: StoredSnapshot): void {
  const { id, node } = snapshot.record;
  const pin = state.pins.get(id);
  if (pin !== undefined) {
    throw new CodedError("snapshot-pinned", `Snapshot ${id} of ${node} is pinned: ${pin.reason}.`, {
      hint: "Unpin it first if it may go.",
      facts: { snapshotId: id },
    });
  }
  if (state.holds.has(snapshot)) {
    throw new CodedError(
      "snapshot-in-use",
      `Snapshot ${id} of ${node} is being restored, verified, or archived against.`,
      { hint: "Prune again when that has ended.", retry: "later", facts: { snapshotId: id } },
    );
  }
}

/** A diff would lose nothing (GC keeps what it refers to), but nobody could say any more what it differs from. */
function checkBases(state: RepositoryState, snapshots: readonly StoredSnapshot[]): void {
  const leaving = new Set(snapshots.map((snapshot) => snapshot.record.id));
  const staying = state.stored.map(({ record }) => record).filter(({ id }) => !leaving.has(id));
  for (const { record } of snapshots) {
    const diffs = diffsAgainst(staying, record.id).map(({ snapshotId }) => snapshotId);
    if (diffs.length === 0) continue;
    const some = diffs.slice(0, DIFFS_TOLD_MAX).join(", ") + (diffs.length > DIFFS_TOLD_MAX ? ", …" : "");
    throw new CodedError(
      "snapshot-is-base",
      `Snapshot ${record.id} of ${record.node} is the base of ${diffs.length} diffs that stay: ${some}.`,
      { hint: "Prune those with it, or keep it.", facts: { snapshotId: record.id } },
    );
  }
}

async function rememberInLedger(state: RepositoryState, snapshots: readonly StoredSnapshot[]): Promise<void> {
  await state.ledger.change((ledger) => {
    const listed = new Map(ledger.packs.map((pack) => [pack.name, pack]));
    for (const pack of snapshots.flatMap((snapshot) => snapshot.packs)) listed.set(pack.name, pack);
    return {
      ...ledger,
      nextSequence: state.nextSequence,
      nextBlockId: state.data.nextId,
      nextNodeId: state.nodes.nextId,
      packs: [...listed.values()].filter((pack) => !state.removedPacks.has(pack.name)),
    };
  });
}

async function removeFile(state: RepositoryState, snapshot: StoredSnapshot): Promise<void> {
  const name = snapshotFileName(snapshot.record);
  try {
    await state.storage.remove(name);
  } catch (error) {
    // A failed removal may have happened. As long as we do not know, the snapshot counts as there, and GC keeps its blocks.
    if ((await state.storage.size(name)) === null) forget(state, snapshot);
    throw error;
  }
  forget(state, snapshot);
}

function forget(state: RepositoryState, snapshot: StoredSnapshot): void {
  const at = state.stored.indexOf(snapshot);
  if (at >= 0) state.stored.splice(at, 1);
}
