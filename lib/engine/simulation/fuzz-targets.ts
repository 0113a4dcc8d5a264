// What is fuzzed: every decoder of bytes that lie on a disk, with valid samples, and whole repositories in which one file is
// hostile. Checksums are put right where a decoder would otherwise look no further.
import { createHash } from "node:crypto";
import { Chance } from "#lib/model/chance.ts";
import { USUAL_COMPRESSION } from "#lib/model/compression.ts";
import { SNAPSHOT_PURPOSES } from "#lib/model/snapshot.ts";
import { hashPage, PAGE_BYTES } from "#lib/page/page.ts";
import { NONCE_BYTES } from "../encryption/aead.ts";
import type { KeySlot } from "../encryption/key-slots.ts";
import { deriveKeys, digestOf, type RepositoryKeys } from "../encryption/repository-keys.ts";
import { FormatError, hexOf } from "../format/bytes.ts";
import { decodeConfig, ENCRYPTED_FORMAT_VERSION, encodeConfig } from "../format/config-format.ts";
import { decodeLedger, decodePin, EMPTY_LEDGER, encodeLedger, encodePin } from "../format/ledger-format.ts";
import { decodeInner, decodeLeaf, encodeInner, encodeLeaf, type PageEntry } from "../format/node-format.ts";
import {
  checkPackHeader,
  DIGEST_BYTES,
  decodeDirectory,
  decodeTrailer,
  encodeFooter,
  encodePackHeader,
  encodeSegmentHeader,
  frameOf,
  HEADER_BYTES,
  type PackIdentity,
  packFileName,
  SEGMENT_HEADER_BYTES,
  TRAILER_BYTES,
} from "../format/pack-format.ts";
import { decodeResults, encodeResults } from "../format/scrub-format.ts";
import { decodeSegment, type EncodedSegment, encodeSegment } from "../format/segment-codec.ts";
import { decodeSnapshot, encodeSnapshot } from "../format/snapshot-format.ts";
import { FORMAT_VERSION, type TextOwner } from "../format/text-file.ts";
import { splitNodes } from "../restore/node-cache.ts";
import { checkPack } from "../verify/check-pack.ts";
import type { FuzzTarget } from "./fuzz.ts";
import { mutated, mutatedText } from "./hostile.ts";

const ID = "00112233445566778899aabbccddeeff";
const HEX = "ab".repeat(32);
const AT = "2026-01-01T00:00:00.000Z";
const SNAPSHOT_ID = "snap_00000000000000000000";
const BLOCK_SIZE = 4096;
const BLOCKS_PER_PAGE = PAGE_BYTES / BLOCK_SIZE;
const chance = new Chance(7);
const hash = (fill: number) => new Uint8Array(32).fill(fill);

/** With checksums that fit, and as they come. */
function textTarget(name: string, sample: Uint8Array, decode: FuzzTarget["decode"]): FuzzTarget {
  const mutate: FuzzTarget["mutate"] = (bytes, luck) =>
    luck.happens(0.75) ? mutatedText(bytes, luck) : mutated(bytes, luck);
  return { name, samples: [sample], mutate, decode };
}

function configTargets(): FuzzTarget[] {
  const info = {
    id: ID,
    formatVersion: 1,
    isEncrypted: false,
    blockSize: BLOCK_SIZE,
    technique: "repository",
    createdAt: AT,
  } as const;
  const sealedInfo = { ...info, formatVersion: ENCRYPTED_FORMAT_VERSION, isEncrypted: true };
  const slot: KeySlot = {
    id: "00112233",
    kind: "key-file",
    label: "fuzz",
    createdAt: AT,
    salt: hash(1),
    scrypt: null,
    wrapped: new Uint8Array(60),
  };
  const slots: KeySlot[] = [
    slot,
    { ...slot, id: "44556677", kind: "passphrase", scrypt: { n: 2 ** 17, r: 8, p: 1 } },
  ];
  const decode = (bytes: Uint8Array) => decodeConfig(bytes, "fuzz");
  return [
    textTarget("config", encodeConfig(info, null), decode),
    textTarget("sealed-config", encodeConfig(sealedInfo, { keyCheck: hash(2), slots }), decode),
  ];
}

const LISTING = { name: `packs/ab/${HEX}.pack`, kind: "data", firstId: 0, endId: 64 } as const;

function snapshotSample(owner: TextOwner): Uint8Array {
  const image = {
    partition: "sda1",
    sizeBytes: 300_000,
    technique: "diff",
    baseId: SNAPSHOT_ID,
    contentRoot: HEX,
    newBytes: 1,
    storedBytes: 1,
    fillBytes: 1,
    unchangedBytes: 1,
    details: { way: "fuzz" },
  } as const;
  const record = {
    id: SNAPSHOT_ID,
    sequence: 1,
    node: "pc-1",
    createdAt: AT,
    seconds: 1,
    requestId: null,
    parentId: null,
    purpose: SNAPSHOT_PURPOSES[0],
    comment: "",
    images: [image, image],
  } as const;
  const root = { nodeId: 1, hash: hash(1), level: 1 };
  const stored = {
    format: FORMAT_VERSION,
    record,
    roots: [root, root],
    packs: [LISTING],
    nextBlockId: 64,
    nextNodeId: 2,
  };
  return encodeSnapshot(owner, stored);
}

function nodeTargets(): FuzzTarget[] {
  const pages: PageEntry[] = [
    { fillByte: 0 },
    { fillByte: 255 },
    { fillByte: null, hash: hash(1), runs: [7, 10, -1, 3, -256, 2, 1_000_000_000_000, 40] },
    { fillByte: null, hash: hash(2), runs: [17, 1, 3, 20] },
  ];
  const children = [1, 2, 3].map((each) => ({
    nodeId: each * 2 ** 40,
    hash: hash(each),
    contentHash: hash(each),
  }));
  const leaf = encodeLeaf(pages);
  return [
    { name: "leaf", samples: [leaf], mutate: mutated, decode: (bytes) => decodeLeaf(bytes, BLOCKS_PER_PAGE) },
    {
      name: "inner",
      samples: [encodeInner(2, children)],
      mutate: mutated,
      decode: (bytes) => decodeInner(bytes, 2),
    },
    {
      name: "node-segment",
      samples: [joinedNodes([leaf, encodeInner(1, children), leaf])],
      mutate: mutated,
      decode: (bytes) => splitNodes(bytes, 3),
    },
  ];
}

function joinedNodes(nodes: readonly Uint8Array[]): Uint8Array {
  const parts = nodes.flatMap((node) => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(node.length);
    return [length, node];
  });
  return new Uint8Array(Buffer.concat(parts));
}

// Packs -------------------------------------------------------------------------------------------------------

interface SamplePack {
  readonly bytes: Uint8Array;
  readonly footerOffset: number;
}

function identityOf(keys: RepositoryKeys | null): PackIdentity {
  return { kind: "data", repositoryId: ID, blockSize: BLOCK_SIZE, keys };
}

function sampleSegment(pack: PackIdentity, raw: Uint8Array, firstId: number): EncodedSegment {
  const count = raw.length / BLOCK_SIZE;
  const sealing = pack.keys === null ? null : { pack, firstId, count, nonce: chance.bytes(NONCE_BYTES) };
  return encodeSegment(raw, USUAL_COMPRESSION, sealing);
}

/** Two segments, one compressed and one raw. */
function samplePack(identity: PackIdentity): SamplePack {
  const parts: Uint8Array[] = [encodePackHeader(identity)];
  const digests: Uint8Array[] = [];
  const entries: Parameters<typeof encodeFooter>[0][number][] = [];
  let offset = HEADER_BYTES;
  for (const [index, raw] of [chance.text(3 * BLOCK_SIZE), chance.bytes(2 * BLOCK_SIZE)].entries()) {
    const { codec, payload, payloadHash } = sampleSegment(identity, raw, 64 * index);
    const count = raw.length / BLOCK_SIZE;
    const header = { codec, firstId: 64 * index, count, rawBytes: raw.length, encodedBytes: payload.length };
    parts.push(encodeSegmentHeader(identity, header, payload), payload);
    for (let at = 0; at < raw.length; at += BLOCK_SIZE) {
      digests.push(digestOf(hashPage(raw.subarray(at, at + BLOCK_SIZE)), identity.keys));
    }
    entries.push({
      ...header,
      offset,
      payloadHash: new Uint8Array(payloadHash),
      isPrivate: index === 1,
      rawStart: 0,
      isShared: false,
    });
    offset += SEGMENT_HEADER_BYTES + payload.length;
  }
  const footer = encodeFooter(entries, Buffer.concat(digests), offset, ID);
  return { bytes: new Uint8Array(Buffer.concat([...parts, footer])), footerOffset: offset };
}

function packTargets(prefix: string, keys: RepositoryKeys | null): FuzzTarget[] {
  const identity = identityOf(keys);
  const pack = samplePack(identity);
  const footer = pack.bytes.slice(pack.footerOffset);
  const raw = chance.text(3 * BLOCK_SIZE);
  const segment = sampleSegment(identity, raw, 0);
  const header = {
    codec: segment.codec,
    firstId: 0,
    count: 3,
    rawBytes: raw.length,
    encodedBytes: segment.payload.length,
    rawStart: 0,
    isShared: false,
  };
  return [
    {
      name: `${prefix}pack-header`,
      samples: [pack.bytes.slice(0, HEADER_BYTES)],
      mutate: mutated,
      decode: (bytes) => checkPackHeader(bytes, identity),
    },
    {
      name: `${prefix}segment`,
      samples: [
        new Uint8Array(
          Buffer.concat([encodeSegmentHeader(identity, header, segment.payload), segment.payload]),
        ),
      ],
      mutate: mutated,
      decode: (bytes) => decodeSegment(identity, header, frameOf(identity, header, bytes).payload),
    },
    {
      // What the payload says of itself: windows, sizes, literals. Behind a checksum that fits.
      name: `${prefix}payload`,
      samples: [segment.payload],
      mutate: mutated,
      decode: (bytes) => decodeSegment(identity, { ...header, encodedBytes: bytes.length }, bytes),
    },
    {
      name: `${prefix}footer`,
      samples: [footer],
      mutate: (bytes, luck) =>
        luck.happens(0.7) ? withFittingFooter(mutatedFooter(bytes, luck)) : mutated(bytes, luck),
      decode: (bytes) => {
        const fileBytes = pack.footerOffset + bytes.length;
        const place = decodeTrailer(bytes.subarray(-TRAILER_BYTES), fileBytes, ID);
        return decodeDirectory(bytes.subarray(0, place.directoryBytes), place, identity);
      },
    },
    {
      name: `${prefix}pack`,
      samples: [pack.bytes],
      mutate: (bytes, luck) => {
        if (luck.happens(0.5)) return mutated(bytes, luck);
        const hostile = withFittingFooter(mutatedFooter(footer, luck));
        return new Uint8Array(Buffer.concat([bytes.subarray(0, pack.footerOffset), hostile]));
      },
      decode: (bytes) => {
        const name = packFileName("data", hexOf(createHash("sha256").update(bytes).digest()));
        const problem = checkPack(name, bytes, identity);
        if (problem !== null) throw new FormatError(problem);
      },
    },
  ];
}

/** Changes inside; the trailer stays where it is. */
function mutatedFooter(bytes: Uint8Array, luck: Chance): Uint8Array {
  const body = mutated(bytes.subarray(0, -TRAILER_BYTES), luck);
  return new Uint8Array(Buffer.concat([body, bytes.subarray(-TRAILER_BYTES)]));
}

/** The directory's hash, its length and the digests' hash are those of the hostile directory. */
function withFittingFooter(bytes: Uint8Array): Uint8Array {
  const fitting = Buffer.from(bytes);
  const trailer = fitting.length - TRAILER_BYTES;
  const segmentCount = fitting.readUInt32LE(trailer + 12);
  const directoryBytes = Math.min(trailer, 48 + 56 * segmentCount);
  const digests = fitting.subarray(directoryBytes, trailer);
  if (directoryBytes >= 48) createHash("sha256").update(digests).digest().copy(fitting, 16);
  const footerHash = createHash("sha256")
    .update("sheepfold-footer-v1\0")
    .update(fitting.subarray(0, directoryBytes));
  footerHash.digest().copy(fitting, trailer + 24);
  fitting.writeUInt32LE(trailer, trailer + 8);
  fitting.writeUIntLE(Math.floor(digests.length / DIGEST_BYTES), trailer + 16, 6);
  return new Uint8Array(fitting);
}

/** What differs where everything is sealed. */
function targetsOf(prefix: string, keys: RepositoryKeys | null): FuzzTarget[] {
  const owner = { repositoryId: ID, seal: keys === null ? null : { key: keys.texts, random: chance } };
  const ledger = { ...EMPTY_LEDGER, nextSequence: 9, packs: [LISTING], removed: [LISTING.name] };
  const pin = { snapshotId: SNAPSHOT_ID, reason: "because", pinnedAt: AT };
  return [
    textTarget(`${prefix}snapshot`, snapshotSample(owner), (bytes) => decodeSnapshot(owner, bytes)),
    textTarget(`${prefix}ledger`, encodeLedger(owner, ledger), (bytes) => decodeLedger(owner, bytes)),
    textTarget(`${prefix}pin`, encodePin(owner, pin), (bytes) => decodePin(owner, bytes)),
    ...packTargets(prefix, keys),
  ];
}

export function decoderTargets(): FuzzTarget[] {
  const result = { name: LISTING.name, lightAt: AT, deepAt: null, problem: null };
  return [
    ...configTargets(),
    textTarget("scrub-results", encodeResults(ID, [result, result]), (bytes) => decodeResults(ID, bytes)),
    ...nodeTargets(),
    ...targetsOf("", null),
    ...targetsOf("sealed-", deriveKeys(hash(9), ID)),
  ];
}
