// What one image under way is given by its session, and what it hands back.
import type { Compression } from "#lib/model/compression.ts";
import type { Technique } from "#lib/model/snapshot.ts";
import type { Foreground } from "../foreground.ts";
import type { ManifestRoot } from "../format/snapshot-format.ts";
import type { ImageTree } from "../restore/image-tree.ts";
import type { BlockStore } from "../store/block-store.ts";
import type { Workers } from "../threads/workers.ts";
import type { ImageRecord } from "../types.ts";
import type { RecentPages } from "./recent-pages.ts";
import type { ScanBuffers } from "./scan-buffers.ts";

/** What an image needs of its session and repository. */
export interface ImageContext {
  readonly data: BlockStore;
  readonly nodes: BlockStore;
  readonly workers: Workers;
  readonly buffers: ScanBuffers;
  readonly blockSize: number;
  readonly recent: RecentPages;
  readonly foreground: Foreground;
  /** Throws when the session has ended, or lost what it wrote. */
  check(): void;
}

export interface ParentImage {
  readonly tree: ImageTree;
  /** Zeros for pages that must not be taken over. */
  readonly hashes: Uint8Array;
  readonly suspectPages: ReadonlySet<number>;
  readonly snapshotId: string;
  /** Of its snapshot file. */
  readonly format: number;
}

export interface ImageTechnique {
  readonly technique: Technique;
  readonly compression: Compression;
  /** Blocks that change by little are patched. */
  readonly patches: boolean;
}

export interface FinishedImage {
  readonly record: ImageRecord;
  readonly root: ManifestRoot;
  /** What a snapshot file that names it must have at least. */
  readonly format: number;
}
