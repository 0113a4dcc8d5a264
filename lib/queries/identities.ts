// Which PCs hold what they are told: localized, stale since a value changed, or the same as another PC. By deciding anew what each
// would be told by the master it was made of, and comparing hashes.
import { unseal } from "#lib/auth/sealed.ts";
import { type LocalizationFacts, readLocalizationFacts } from "#lib/db/localization-facts.ts";
import {
  type AppliedLocalization,
  appliedLocalizations,
  findMasterLocalization,
} from "#lib/db/localizations.ts";
import { findSnapshot } from "#lib/db/snapshots.ts";
import { type Decided, decideLocalizations, duplicateProblems } from "#lib/localize/decide.ts";
import type { FailureReport } from "#lib/model/errors.ts";
import { NO_SPEC, type NodeIdentity } from "#lib/model/localization.ts";

/** A PC that nobody tells anything, and that is like no other, is not in it. */
export async function identitiesOf(nodeIds: readonly string[]): Promise<Map<string, NodeIdentity>> {
  const [applied, facts] = await Promise.all([appliedLocalizations(nodeIds), readLocalizationFacts()]);
  const duplicates = duplicateProblems(facts, unseal);
  const decided = await decideByMaster(applied, facts);
  return new Map(
    nodeIds.flatMap((nodeId) => {
      const identity = identityOf(applied.get(nodeId), decided.get(nodeId), duplicates.get(nodeId));
      return identity === null ? [] : [[nodeId, identity]];
    }),
  );
}

/** Each PC by the master that was written to it last; a master that was withdrawn decides nothing. */
async function decideByMaster(
  applied: ReadonlyMap<string, AppliedLocalization>,
  facts: LocalizationFacts,
): Promise<Map<string, Decided>> {
  const byMaster = Map.groupBy(applied.values(), ({ snapshotId }) => snapshotId);
  const decided = new Map<string, Decided>();
  for (const [snapshotId, mine] of byMaster) {
    const [master, snapshot] = await Promise.all([
      findMasterLocalization(snapshotId),
      findSnapshot(snapshotId),
    ]);
    if (master?.spec == null || snapshot === null) continue;
    const of = { spec: master.spec ?? NO_SPEC, scan: master.scan, images: snapshot.images };
    const nodeIds = mine.map(({ nodeId }) => nodeId);
    for (const [nodeId, one] of decideLocalizations(of, facts, nodeIds, unseal)) decided.set(nodeId, one);
  }
  return decided;
}

function identityOf(
  applied: AppliedLocalization | undefined,
  decided: Decided | undefined,
  duplicate: FailureReport | undefined,
): NodeIdentity | null {
  if (duplicate !== undefined) return { state: "duplicate", words: duplicate.message };
  if (applied === undefined || (applied.digest === null && decided === undefined)) return null;
  if (applied.digest === null)
    return { state: "not-localized", words: "It is a copy of a master and has no identity of its own yet." };
  if (decided !== undefined && decided.digest !== applied.digest)
    return { state: "stale", words: "What it is told has changed since it was localized." };
  return { state: "localized", words: "It holds what it is told." };
}
