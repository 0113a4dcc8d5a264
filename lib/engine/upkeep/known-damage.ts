// Which snapshots are known to be damaged, without looking again: those that need a pack which the last scrub found bad, or one that is
// gone. Whoever decides what may be pruned asks this, so that a damaged snapshot never counts as a node's last good one.
import type { RepositoryState } from "../repository-state.ts";
import { affectedBy } from "./affected.ts";
import { storedResults } from "./scrub.ts";

export async function damagedSnapshots(
  state: RepositoryState,
  check: () => void,
): Promise<ReadonlySet<string>> {
  const bad = await badPacks(state);
  if (bad.size === 0) return new Set();
  const affected = await affectedBy(state, bad, check);
  return new Set([...affected.values()].flatMap((images) => images.map(({ snapshotId }) => snapshotId)));
}

/** Found bad by the last scrub, unreadable when the repository was opened, or gone. */
export async function badPacks(state: RepositoryState): Promise<ReadonlySet<string>> {
  return new Set([...(await badAtLastScrub(state)), ...unreadable(state), ...missing(state)]);
}

function unreadable(state: RepositoryState): string[] {
  return [state.data, state.nodes]
    .flatMap((store) => [...store.packs.damaged.keys()])
    .filter((name) => !state.removedPacks.has(name));
}

async function badAtLastScrub(state: RepositoryState): Promise<string[]> {
  const results = await storedResults(state);
  return results
    .filter(({ name, problem }) => problem !== null && !state.removedPacks.has(name))
    .map(({ name }) => name);
}

/** Listed by a snapshot, freed by nobody, and not there when the repository was opened. */
function missing(state: RepositoryState): string[] {
  return state.stored
    .flatMap((snapshot) => snapshot.packs)
    .filter(({ name, kind }) => !state.store(kind).packs.has(name) && !state.removedPacks.has(name))
    .map(({ name }) => name);
}
