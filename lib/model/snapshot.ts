// A snapshot is a node at one moment: its disk layout and one image per partition. This is its record as the repository
// keeps it; the database row is a copy that can be made again.

export const TECHNIQUES = ["full", "diff", "repository"] as const;
export type Technique = (typeof TECHNIQUES)[number];

/** Why a snapshot exists. */
export const SNAPSHOT_PURPOSES = ["manual", "scheduled", "safety", "baseline", "import"] as const;
export type SnapshotPurpose = (typeof SNAPSHOT_PURPOSES)[number];

/** One partition (or the disk layout) inside a snapshot. Sizes in bytes. */
export interface ImageRecord {
  readonly partition: string;
  readonly sizeBytes: number;
  readonly technique: Technique;
  /** The snapshot whose image of the same partition a diff was made against; absent for the other techniques. */
  readonly baseId?: string;
  /** Hex. Over page content hashes only: equal images have equal roots, in any repository. */
  readonly contentRoot: string;
  /** Raw bytes of blocks this image had to store: what its technique could not find in earlier snapshots. */
  readonly newBytes: number;
  /** Bytes this image added to the store: compressed segments, pack overhead, manifest nodes. */
  readonly storedBytes: number;
  /** Bytes of pages that are one repeated byte; never stored. */
  readonly fillBytes: number;
  /** Bytes of pages equal to the parent's page at the same offset: cost one hash each. */
  readonly unchangedBytes: number;
  /** Free words from the node: label, type, offset on disk, disk serial. Bounded, never interpreted by the engine. */
  readonly details: Readonly<Record<string, string>>;
}

/** The images that were stored as differences from an image of that snapshot. */
export function diffsAgainst(
  snapshots: readonly SnapshotRecord[],
  baseId: string,
): { readonly snapshotId: string; readonly partition: string }[] {
  return snapshots.flatMap((snapshot) =>
    snapshot.images
      .filter((image) => image.baseId === baseId)
      .map((image) => ({ snapshotId: snapshot.id, partition: image.partition })),
  );
}

/** Committed by one rename; complete or absent, never in between. */
export interface SnapshotRecord {
  /** "snap_" and 20 characters of 0-9a-z; unique for ever. */
  readonly id: string;
  /** Position in commit order, from 1, gaps allowed. */
  readonly sequence: number;
  readonly node: string;
  /** ISO 8601 UTC, server clock at commit. */
  readonly createdAt: string;
  /** Wall time from beginArchive to commit. */
  readonly seconds: number;
  readonly parentId: string | null;
  readonly purpose: SnapshotPurpose;
  readonly comment: string;
  /** The wish it fulfils (a task id), so that a repeated task finds its snapshot instead of making a second one. */
  readonly requestId: string | null;
  readonly images: readonly ImageRecord[];
}
