// Checks one whole pack in memory: name, header, footer, every segment and every digest. Pure; for worker threads
// and the caller's own. Answers what is wrong in words, or null.
import { createHash } from "node:crypto";
import { hashPage, sameHash } from "#lib/page/page.ts";
import { digestOf } from "../encryption/repository-keys.ts";
import { ensure, FormatError, hexOf } from "../format/bytes.ts";
import { nodeHashOf } from "../format/node-format.ts";
import {
  checkPackHeader,
  DIGEST_BYTES,
  decodeDirectory,
  decodeTrailer,
  frameOf,
  framesOf,
  HEADER_BYTES,
  hashOfPackName,
  type PackIdentity,
  SEGMENT_HEADER_BYTES,
  type SegmentEntry,
  TRAILER_BYTES,
} from "../format/pack-format.ts";
import { decodeSegment } from "../format/segment-codec.ts";
import { freeMemory } from "../free-memory.ts";
import { splitNodes } from "../restore/node-cache.ts";

const PROBLEMS_TOLD_MAX = 3;
/** In one step. */
const HASHED_BYTES = 1024 * 1024;

export function checkPack(name: string, bytes: Uint8Array, identity: PackIdentity): string | null {
  const steps = checkPackInSteps(name, bytes, identity);
  for (let step = steps.next(); ; step = steps.next()) if (step.done === true) return step.value;
}

/** In steps of some milliseconds each, so that whoever checks can do other work in between. */
export function* checkPackInSteps(
  name: string,
  bytes: Uint8Array,
  identity: PackIdentity,
): Generator<void, string | null> {
  const problems: string[] = [];
  const hash = createHash("sha256");
  for (let at = 0; at < bytes.length; at += HASHED_BYTES) {
    hash.update(bytes.subarray(at, at + HASHED_BYTES));
    yield;
  }
  attempt(problems, () => {
    const found = hexOf(hash.digest());
    ensure(found === hashOfPackName(name), "its SHA-256 is not its name");
  });
  attempt(problems, () => checkPackHeader(bytes, identity));
  const frames: (() => void)[] = [];
  attempt(problems, () => frames.push(...checksOfContent(problems, bytes, identity)));
  for (const check of frames) {
    attempt(problems, check);
    yield;
  }
  if (problems.length === 0) return null;
  const more = problems.length - PROBLEMS_TOLD_MAX;
  return problems.slice(0, PROBLEMS_TOLD_MAX).join("; ") + (more > 0 ? `; and ${more} more` : "");
}

function attempt(problems: string[], check: () => void): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    problems.push(error.message);
  }
}

/** The checks of the frames; what is wrong with the footer is told at once. */
function checksOfContent(problems: string[], bytes: Uint8Array, identity: PackIdentity): (() => void)[] {
  ensure(bytes.length >= HEADER_BYTES + TRAILER_BYTES, `${bytes.length} bytes are too few for a pack`);
  const place = decodeTrailer(bytes.subarray(-TRAILER_BYTES), bytes.length, identity.repositoryId);
  const directory = decodeDirectory(bytes.subarray(place.footerOffset, place.digestOffset), place, identity);
  const digests = bytes.subarray(place.digestOffset, place.digestOffset + place.blockCount * DIGEST_BYTES);
  attempt(problems, () => {
    ensure(
      sameHash(createHash("sha256").update(digests).digest(), directory.digestHash),
      "the digest column is damaged",
    );
  });
  let digestAt = 0;
  return framesOf(directory.segments).map((frame) => {
    const count = frame.reduce((sum, entry) => sum + entry.count, 0);
    const expected = digests.subarray(digestAt, digestAt + count * DIGEST_BYTES);
    digestAt += expected.length;
    return () => checkFrame(bytes, frame, expected, identity);
  });
}

function checkFrame(
  bytes: Uint8Array,
  entries: readonly SegmentEntry[],
  digests: Uint8Array,
  identity: PackIdentity,
): void {
  const [first, last] = [entries[0], entries.at(-1)];
  if (first === undefined || last === undefined) return;
  const lastId = last.firstId + last.count - 1;
  const where = `segment of ${identity.kind === "data" ? "blocks" : "nodes"} ${first.firstId} to ${lastId}`;
  try {
    const end = first.offset + SEGMENT_HEADER_BYTES + first.encodedBytes;
    const { header, payload } = frameOf(identity, first, bytes.subarray(first.offset, end));
    ensure(
      sameHash(hashPage(payload), first.payloadHash),
      "its payload has another hash than the directory says",
    );
    const count = entries.reduce((sum, entry) => sum + entry.count, 0);
    const isSame = header.firstId === first.firstId && header.count === count;
    ensure(
      isSame && header.rawBytes === last.rawStart + last.rawBytes,
      "its header does not fit the directory",
    );
    const raw = decodeSegment(identity, header, payload);
    let digestAt = 0;
    for (const { count, rawStart, rawBytes } of entries) {
      const expected = digests.subarray(digestAt, digestAt + count * DIGEST_BYTES);
      checkDigests(raw.subarray(rawStart, rawStart + rawBytes), count, expected, identity);
      digestAt += expected.length;
    }
    if (raw.buffer !== bytes.buffer) freeMemory(raw);
  } catch (error) {
    if (error instanceof FormatError) throw new FormatError(`${where}: ${error.message}`);
    throw error;
  }
}

function checkDigests(raw: Uint8Array, count: number, digests: Uint8Array, identity: PackIdentity): void {
  const parts =
    identity.kind === "nodes" ? splitNodes(raw, count) : splitBlocks(raw, count, identity.blockSize);
  for (const [index, part] of parts.entries()) {
    const { kind, keys } = identity;
    const digest = kind === "nodes" ? nodeHashOf(part, keys) : digestOf(hashPage(part), keys);
    const expected = digests.subarray(index * DIGEST_BYTES, (index + 1) * DIGEST_BYTES);
    ensure(sameHash(digest, expected), `part ${index} has another digest than the footer says`);
  }
}

function splitBlocks(raw: Uint8Array, count: number, blockSize: number): Uint8Array[] {
  ensure(Math.ceil(raw.length / blockSize) === count, `${raw.length} bytes are not ${count} blocks`);
  return Array.from({ length: count }, (_, index) =>
    raw.subarray(index * blockSize, (index + 1) * blockSize),
  );
}
