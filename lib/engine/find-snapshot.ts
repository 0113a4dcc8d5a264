// Finds a snapshot by what a person or program calls it, and says why when there is none.
import { CodedError } from "#lib/model/errors.ts";
import type { StoredSnapshot } from "./format/snapshot-format.ts";

type Damaged = ReadonlyMap<string, { readonly file: string; readonly message: string }>;

/** By id or unambiguous beginning of one. CodedError "snapshot-unknown", "snapshot-ambiguous" or "snapshot-corrupt". */
export function findSnapshot(
  id: string,
  stored: readonly StoredSnapshot[],
  damaged: Damaged,
  where: string,
): StoredSnapshot {
  const matches = id === "" ? [] : stored.filter((snapshot) => snapshot.record.id.startsWith(id));
  const exact = matches.find((snapshot) => snapshot.record.id === id);
  const only = exact ?? (matches.length === 1 ? matches[0] : undefined);
  if (only !== undefined) return only;
  throw matches.length > 1 ? ambiguous(id, matches) : unknown(id, damaged, where);
}

function unknown(id: string, damaged: Damaged, where: string): CodedError {
  for (const [damagedId, { file, message }] of damaged) {
    if (id === "" || !damagedId.startsWith(id)) continue;
    return new CodedError("snapshot-corrupt", `The snapshot file ${file} is damaged: ${message}.`, {
      hint: "Put the file back from a copy of the repository. Other snapshots are not affected.",
      facts: { file },
    });
  }
  return new CodedError("snapshot-unknown", `There is no snapshot ${JSON.stringify(id)} in ${where}.`, {
    hint: "List the snapshots; an id may be shortened as long as it stays unambiguous.",
  });
}

function ambiguous(id: string, matches: readonly StoredSnapshot[]): CodedError {
  const some = matches.slice(0, 5).map((snapshot) => snapshot.record.id);
  return new CodedError(
    "snapshot-ambiguous",
    `${matches.length} snapshots begin with ${JSON.stringify(id)}.`,
    { hint: `Add characters: ${some.join(", ")}${matches.length > some.length ? ", …" : ""}` },
  );
}
