// What technique an image is archived by, decided once before its first page: from what the request, the session and
// the repository say, and from the base there is.
//
// All three techniques make the same manifests and the same packs. They differ in which earlier image pages are
// compared with, and in whether new blocks become findable for others.
import { type Compression, isCompression, USUAL_COMPRESSION } from "#lib/model/compression.ts";
import { CodedError } from "#lib/model/errors.ts";
import { TECHNIQUES, type Technique } from "#lib/model/snapshot.ts";
import type { StoredSnapshot } from "../format/snapshot-format.ts";
import type { RepositoryState } from "../repository-state.ts";
import type { StorageChoice } from "../types.ts";

export interface StoredImage {
  readonly snapshot: StoredSnapshot;
  readonly index: number;
}

/** How one image is going to be stored. */
export interface ImagePlan {
  readonly technique: Technique;
  readonly compression: Compression;
  /** Blocks that change by little are patched. */
  readonly patches: boolean;
  /** The image pages are compared with. */
  readonly parent: StoredImage | null;
}

/** The request's own words first, then the session's, then the repository's. */
export function planImage(
  state: RepositoryState,
  { node, writtenFrom }: { readonly node: string; readonly writtenFrom: StoredSnapshot | null },
  { partition, sizeBytes }: { readonly partition: string; readonly sizeBytes: number },
  wishes: readonly StorageChoice[],
): ImagePlan {
  const technique = firstOf(wishes, (wish) => wish.technique) ?? state.info.technique;
  const compression = firstOf(wishes, (wish) => wish.compression) ?? USUAL_COMPRESSION;
  const base = firstOf(wishes, (wish) => wish.base);
  checkChoice({ technique, compression, base });
  const patches = technique === "repository" && (firstOf(wishes, (wish) => wish.patches) ?? true);
  if (technique === "full") return { technique, compression, patches, parent: null };
  if (technique === "repository") {
    const parent = imageIn(writtenFrom, partition, sizeBytes) ?? state.newestImageOf(node, partition);
    return { technique, compression, patches, parent };
  }
  const parent = findBase(state, node, partition, base ?? "previous");
  // The first of a lineage has nothing to differ from: it is stored whole, and its record says so.
  return { technique: parent === null ? "full" : technique, compression, patches, parent };
}

/** Said before anything is read: CodedError "input-invalid". */
export function checkChoice({ technique, compression, base }: StorageChoice): void {
  if (technique !== undefined && !TECHNIQUES.includes(technique)) {
    throw new CodedError("input-invalid", `There is no technique ${JSON.stringify(technique)}.`, {
      hint: `Use one of ${TECHNIQUES.join(", ")}.`,
    });
  }
  if (compression !== undefined && !isCompression(compression)) {
    throw new CodedError("input-invalid", "There is no such compression.", {
      hint: "Use none, gzip with level 1 to 9, or zstd with level 1 to 19.",
    });
  }
  if (technique === undefined || technique === "diff" || base === undefined) return;
  throw new CodedError("input-invalid", `A base does not fit the technique ${technique}.`, {
    hint: "Give a base with the technique diff only.",
  });
}

/** The snapshot a choice names as its base, or null when it names none. */
export function namedBase(state: RepositoryState, { base }: StorageChoice): StoredSnapshot | null {
  const isNamed = base !== undefined && base !== "previous" && base !== "first";
  return isNamed ? state.storedSnapshot(base) : null;
}

function imageIn(snapshot: StoredSnapshot | null, partition: string, sizeBytes: number): StoredImage | null {
  if (snapshot === null) return null;
  const index = snapshot.record.images.findIndex(
    (image) => image.partition === partition && image.sizeBytes === sizeBytes,
  );
  return index < 0 ? null : { snapshot, index };
}

function firstOf<Value>(
  wishes: readonly StorageChoice[],
  pick: (wish: StorageChoice) => Value | undefined,
): Value | undefined {
  for (const wish of wishes) {
    const value = pick(wish);
    if (value !== undefined) return value;
  }
  return undefined;
}

function findBase(state: RepositoryState, node: string, partition: string, base: string): StoredImage | null {
  if (base === "previous") return state.newestImageOf(node, partition);
  if (base === "first") return state.firstImageOf(node, partition);
  const snapshot = state.storedSnapshot(base);
  const index = snapshot.record.images.findIndex((image) => image.partition === partition);
  if (index >= 0) return { snapshot, index };
  const names = snapshot.record.images.map((image) => JSON.stringify(image.partition)).join(", ");
  throw new CodedError(
    "input-invalid",
    `Snapshot ${snapshot.record.id} has no partition ${JSON.stringify(partition)} to be the base of a diff.`,
    { hint: `It has ${names}. Choose another base, or another technique.` },
  );
}
