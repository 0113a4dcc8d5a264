// Closing an open repository: sessions end, the index cache is written, the lock goes, threads stop.
import { CodedError } from "#lib/model/errors.ts";
import { saveFingerprints } from "./fingerprint-cache.ts";
import { saveIndexCache } from "./index-cache.ts";
import type { RepositoryState } from "./repository-state.ts";

/** May be called twice. Whatever fails, the lock is let go of in this process and all threads end. */
export async function closeState(state: RepositoryState): Promise<void> {
  if (!state.markClosing()) return;
  const failures: unknown[] = [];
  const attempt = async (work: () => Promise<unknown> | undefined) => {
    try {
      await work();
    } catch (error) {
      failures.push(error);
    }
  };
  for (const session of [...state.sessions]) await attempt(() => session.abort());
  if (state.lock !== null) {
    // Blocks of aborted archives are good blocks: sealed, they are found again by the next attempt.
    await attempt(() => state.data.seal());
    await attempt(() => state.data.discardOpen());
    await attempt(() => state.nodes.discardOpen());
    if (state.indexIsNew) await attempt(() => saveCaches(state));
    await attempt(() => state.lock?.release());
  }
  await attempt(() => state.workers.close());
  const first = failures.find((failure) => !(failure instanceof CodedError)) ?? failures[0];
  if (first !== undefined) throw first;
}

/** The caches of the index, as far as too much has changed since they were read. */
export async function saveCaches(state: RepositoryState): Promise<void> {
  await saveIndexCache(state);
  await saveFingerprints(state, state.data);
  await saveFingerprints(state, state.nodes);
}
