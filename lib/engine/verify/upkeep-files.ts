// What verify has to know of upkeep: the ledger and the pins are files that can rot, and what prune and GC take away
// while verify runs is no damage.
import { LEDGER_FILE, pinFileName } from "../format/ledger-format.ts";
import { snapshotFileName } from "../format/snapshot-format.ts";
import type { RepositoryState } from "../repository-state.ts";
import type { VerifyFinding } from "../types.ts";
import { readPin } from "../upkeep/pins.ts";
import type { Findings } from "./findings.ts";

export async function checkUpkeepFiles(state: RepositoryState, findings: Findings): Promise<void> {
  const { ledger, problem } = await state.ledger.read();
  const wrong = problem ?? (ledger === null && state.ledger.isStored ? "it is missing" : null);
  if (wrong !== null) {
    findings.add("repository-corrupt", LEDGER_FILE, `The file ${LEDGER_FILE} is damaged: ${wrong}.`);
  }
  for (const { snapshotId } of [...state.pins.values()]) {
    const name = pinFileName(snapshotId);
    const read = await readPin(state, name);
    if (read.pin !== null || !state.pins.has(snapshotId)) continue;
    const what = read.problem ?? "it is missing";
    findings.add("repository-corrupt", name, `The pin ${name} is damaged: ${what}.`, {
      snapshotId,
      partition: null,
    });
  }
}

/** Findings but those about packs that GC removed, and snapshots that were pruned, since verify began. That a pack of
 *  before is missing is none either; but when a snapshot that is there cannot be read for want of it, it is: a disk that
 *  lost a removal has brought the snapshot back. */
export async function withoutWhatIsGone(
  state: RepositoryState,
  findings: readonly VerifyFinding[],
  removedBefore: ReadonlySet<string>,
): Promise<VerifyFinding[]> {
  if (findings.length === 0) return [];
  // Beside a writer in another process only the files tell.
  const ledger = state.lock === null ? (await state.ledger.read()).ledger : null;
  const removed = new Set([...state.removedPacks, ...(ledger?.removed ?? [])]);
  const pruned = await prunedSince(state, findings);
  return findings.filter(({ file, snapshotId, partition }) => {
    if (snapshotId !== null && pruned.has(snapshotId)) return false;
    return !removed.has(file) || (partition !== null && removedBefore.has(file));
  });
}

async function prunedSince(state: RepositoryState, findings: readonly VerifyFinding[]): Promise<Set<string>> {
  const pruned = new Set<string>();
  for (const snapshotId of new Set(findings.map((finding) => finding.snapshotId))) {
    if (snapshotId === null || state.damagedSnapshots.has(snapshotId)) continue;
    const stored = state.stored.find(({ record }) => record.id === snapshotId);
    if (stored === undefined) pruned.add(snapshotId);
    else if (state.lock === null && (await state.storage.size(snapshotFileName(stored.record))) === null) {
      pruned.add(snapshotId);
    }
  }
  return pruned;
}
