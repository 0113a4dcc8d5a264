// Snapshot files: the commit point of an archive and all a repository knows of a node's past
// (docs/repository-format.md §2). The file name carries sequence and id, so that even a damaged one can be named.
import { type ImageRecord, SNAPSHOT_PURPOSES, type SnapshotRecord, TECHNIQUES } from "#lib/model/snapshot.ts";
import { bytesOfHex, ensure, hexOf } from "./bytes.ts";
import { INNER_LEVEL_MAX } from "./node-format.ts";
import {
  choiceField,
  countField,
  decodeOwnedFile,
  encodeOwnedFile,
  hexField,
  idField,
  listField,
  numberField,
  objectField,
  objectOf,
  type TextFileKind,
  type TextOwner,
  textField,
} from "./text-file.ts";

export const SNAPSHOT_FOLDER = "snapshots";

/** Where the manifest of an image begins. */
export interface ManifestRoot {
  readonly nodeId: number;
  readonly hash: Uint8Array;
  readonly level: number;
}

export const PACK_KINDS = ["data", "nodes"] as const;
export type PackKind = (typeof PACK_KINDS)[number];

/** A pack first listed by this snapshot, so that it can be named if it is lost. */
export interface PackListing {
  readonly name: string;
  readonly kind: PackKind;
  readonly firstId: number;
  readonly endId: number;
}

/** A snapshot file's whole content: the public record and what the engine needs to read it. */
export interface StoredSnapshot {
  /** 1, or 2 where manifests may hold what readers of format 1 do not know. */
  readonly format: number;
  readonly record: SnapshotRecord;
  /** One per image, same order. */
  readonly roots: readonly ManifestRoot[];
  readonly packs: readonly PackListing[];
  readonly nextBlockId: number;
  readonly nextNodeId: number;
}

/** Of snapshots whose manifests may hold patched pages. */
export const PATCHED_SNAPSHOT_FORMAT = 2;

const SNAPSHOT: TextFileKind = {
  magic: "SHEEPFOLD SNAPSHOT",
  domain: "sheepfold-snapshot-v1",
  newestFormat: PATCHED_SNAPSHOT_FORMAT,
};
const SEQUENCE_DIGITS = 12;
const FILE_NAME = /^snapshots\/([0-9]{12})-(snap_[0-9a-z]{20})\.json$/;

export function snapshotFileName(record: { readonly sequence: number; readonly id: string }): string {
  return `${SNAPSHOT_FOLDER}/${String(record.sequence).padStart(SEQUENCE_DIGITS, "0")}-${record.id}.json`;
}

/** What the name says, or null for a file that is not ours. */
export function parseSnapshotFileName(name: string): { sequence: number; id: string } | null {
  const match = FILE_NAME.exec(name);
  return match === null ? null : { sequence: Number(match[1]), id: String(match[2]) };
}

export function encodeSnapshot(owner: TextOwner, stored: StoredSnapshot): Uint8Array {
  const { images, ...record } = stored.record;
  return encodeOwnedFile(
    SNAPSHOT,
    owner,
    {
      ...record,
      images: images.map((image, index) => ({ ...image, root: encodeRoot(stored.roots[index]) })),
      packs: stored.packs,
      nextBlockId: stored.nextBlockId,
      nextNodeId: stored.nextNodeId,
    },
    stored.format,
  );
}

/** FormatError or NewerFormatError; the caller knows the file's name. */
export function decodeSnapshot(owner: TextOwner, bytes: Uint8Array): StoredSnapshot {
  const fields = decodeOwnedFile(SNAPSHOT, owner, bytes);
  const images = listField(fields, "images").map((image) => objectOf(image, "an image"));
  return {
    format: countField(fields, "format"),
    record: {
      id: textField(fields, "id", 64),
      sequence: countField(fields, "sequence"),
      node: textField(fields, "node", 512),
      createdAt: textField(fields, "createdAt", 40),
      seconds: numberField(fields, "seconds"),
      requestId: fields.requestId === null ? null : textField(fields, "requestId", 512),
      parentId: fields.parentId === null ? null : textField(fields, "parentId", 64),
      purpose: choiceField(fields, "purpose", SNAPSHOT_PURPOSES),
      comment: textField(fields, "comment"),
      images: images.map(decodeImage),
    },
    roots: images.map((image) => decodeRoot(objectField(image, "root"))),
    packs: listField(fields, "packs").map((pack) => decodePackListing(objectOf(pack, "a pack"))),
    nextBlockId: idField(fields, "nextBlockId"),
    nextNodeId: idField(fields, "nextNodeId"),
  };
}

function encodeRoot(root: ManifestRoot | undefined): unknown {
  ensure(root !== undefined, "an image without a root");
  return { nodeId: root.nodeId, hash: hexOf(root.hash), level: root.level };
}

function decodeRoot(fields: Record<string, unknown>): ManifestRoot {
  const level = countField(fields, "level");
  ensure(level <= INNER_LEVEL_MAX, `level ${level} is impossible`);
  return { nodeId: idField(fields, "nodeId"), hash: bytesOfHex(hexField(fields, "hash", 32)), level };
}

function decodeImage(fields: Record<string, unknown>): ImageRecord {
  const sizeBytes = countField(fields, "sizeBytes");
  ensure(sizeBytes > 0, "an image of 0 bytes");
  return {
    partition: textField(fields, "partition", 512),
    sizeBytes,
    technique: choiceField(fields, "technique", TECHNIQUES),
    ...(fields.baseId === undefined ? {} : { baseId: textField(fields, "baseId", 64) }),
    contentRoot: hexField(fields, "contentRoot", 32),
    newBytes: countField(fields, "newBytes"),
    storedBytes: countField(fields, "storedBytes"),
    fillBytes: countField(fields, "fillBytes"),
    unchangedBytes: countField(fields, "unchangedBytes"),
    details: decodeDetails(objectField(fields, "details")),
  };
}

function decodeDetails(fields: Record<string, unknown>): Record<string, string> {
  const details: Record<string, string> = {};
  for (const name of Object.keys(fields)) details[name] = textField(fields, name);
  return details;
}

export function decodePackListing(fields: Record<string, unknown>): PackListing {
  return {
    name: textField(fields, "name", 256),
    kind: choiceField(fields, "kind", PACK_KINDS),
    firstId: idField(fields, "firstId"),
    endId: idField(fields, "endId"),
  };
}
