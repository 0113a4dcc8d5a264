// An image entry is how the CLI shows one image of one snapshot. A snapshot made by the dashboard may hold several
// images (the disk layout and each partition); each gets an entry of its own.
//
// An entry's id is the snapshot's id when that holds one image, else "snapshotId:partition". Both forms, and an
// unambiguous beginning of the snapshot's id, are understood wherever a command wants a SNAPSHOT.

import type { ImageRecord, Repository, SnapshotRecord } from "#lib/engine/repository.ts";
import { CodedError } from "#lib/model/errors.ts";

/** Exactly what `repo archive --json` prints, and `repo list --json` an array of. */
export interface ImageEntry {
  readonly id: string;
  readonly node: string;
  readonly partition: string;
  readonly createdAt: string;
  readonly technique: string;
  readonly sizeBytes: number;
  readonly newBytes: number;
  readonly storedBytes: number;
  readonly seconds: number;
  readonly contentRoot: string;
}

export function imageEntry(snapshot: SnapshotRecord, image: ImageRecord): ImageEntry {
  return {
    id: snapshot.images.length === 1 ? snapshot.id : `${snapshot.id}:${image.partition}`,
    node: snapshot.node,
    partition: image.partition,
    createdAt: snapshot.createdAt,
    technique: image.technique,
    sizeBytes: image.sizeBytes,
    newBytes: image.newBytes,
    storedBytes: image.storedBytes,
    seconds: snapshot.seconds,
    contentRoot: image.contentRoot,
  };
}

/** What a person typed for SNAPSHOT: ids never hold a colon, so the first one separates. */
export function parseSnapshotReference(text: string): {
  readonly id: string;
  readonly partition: string | null;
} {
  const colon = text.indexOf(":");
  if (colon === -1) return { id: text, partition: null };
  return { id: text.slice(0, colon), partition: text.slice(colon + 1) };
}

export interface FoundSnapshot {
  readonly snapshot: SnapshotRecord;
  /** The one image meant, or null when the reference names the whole snapshot and that holds several. */
  readonly image: ImageRecord | null;
}

/** `partition` is the --partition option, which may say the same as the reference but not contradict it. */
export function findSnapshot(repository: Repository, reference: string, partition?: string): FoundSnapshot {
  const parsed = parseSnapshotReference(reference);
  if (parsed.partition !== null && partition !== undefined && parsed.partition !== partition) {
    throw new CodedError(
      "input-invalid",
      `${reference} names partition ${parsed.partition}, --partition names ${partition}.`,
      { hint: "Give one of the two." },
    );
  }
  const snapshot = repository.snapshot(parsed.id);
  const wanted = parsed.partition ?? partition;
  if (wanted === undefined) {
    return { snapshot, image: snapshot.images.length === 1 ? (snapshot.images[0] ?? null) : null };
  }
  const image = snapshot.images.find((candidate) => candidate.partition === wanted);
  if (image === undefined) {
    throw new CodedError("snapshot-unknown", `Snapshot ${snapshot.id} has no partition ${wanted}.`, {
      hint: `It has: ${partitionNames(snapshot)}.`,
    });
  }
  return { snapshot, image };
}

/** As findSnapshot, for commands that work on exactly one image. */
export function findImage(
  repository: Repository,
  reference: string,
  partition?: string,
): { readonly snapshot: SnapshotRecord; readonly image: ImageRecord } {
  const { snapshot, image } = findSnapshot(repository, reference, partition);
  if (image === null) {
    throw new CodedError(
      "input-invalid",
      `Snapshot ${snapshot.id} holds ${snapshot.images.length} images, and one is needed.`,
      { hint: `Name one with --partition: ${partitionNames(snapshot)}.` },
    );
  }
  return { snapshot, image };
}

function partitionNames(snapshot: SnapshotRecord): string {
  return snapshot.images.map((image) => image.partition).join(", ");
}
