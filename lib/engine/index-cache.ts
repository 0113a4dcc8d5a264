// The index cache: the tables of an open repository as one file, so that opening need not read every pack's footer.
//
// It is only ever a shortcut. A cache that is missing, damaged, older than this program, or names a pack that is no
// longer there is ignored, and the footers say the same. Two parts, each with its checksum: what lies where
// (enough for reading), and the fingerprints (for writing).
import { createHash, type Hash } from "node:crypto";
import { endianness } from "node:os";
import { CodedError } from "#lib/model/errors.ts";
import { sameHash } from "#lib/page/page.ts";
import { ByteReader, ByteWriter, bytesOfHex, ensure, FormatError } from "./format/bytes.ts";
import type { PackKind } from "./format/snapshot-format.ts";
import { countField, listField, objectOf, textField } from "./format/text-file.ts";
import type { RepositoryState } from "./repository-state.ts";
import type { FileWriter, Storage } from "./storage/storage.ts";
import { FingerprintTable } from "./store/fingerprint-table.ts";
import type { KnownPack } from "./store/pack-list.ts";
import { columnsOf, newSegmentColumns, type SegmentColumns, SegmentTable } from "./store/segment-table.ts";

export const INDEX_FOLDER = "index";
const CACHE_FILE = `${INDEX_FOLDER}/cache`;
const MAGIC = "SFIX";
const CACHE_VERSION = 3;
const HEAD_BYTES = 32;
const CHECKSUM_BYTES = 32;
const CHUNK_BYTES = 4 * 1024 * 1024;
const SUMMARY_BYTES_MAX = 256 * 1024 * 1024;

/** The tables of one store as the cache had them. */
export interface CachedTables {
  readonly packs: readonly KnownPack[];
  readonly segments: SegmentTable;
  /** Null unless asked for. */
  readonly fingerprints: FingerprintTable | null;
}

type Column = Float64Array | Uint32Array | Uint8Array;

interface StoreSummary {
  readonly packs: readonly KnownPack[];
  readonly rowCount: number;
  readonly slotCount: number;
  readonly fingerprintCount: number;
}

// Writing -----------------------------------------------------------------------------------------------------

/** Writes the cache. A repository without one is slower to open and nothing else: a failure is not an error. */
export async function saveIndexCache(state: RepositoryState): Promise<void> {
  let file: FileWriter | null = null;
  try {
    file = await state.storage.createFile();
    await writeCache(state, file);
    await file.seal(CACHE_FILE);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    await file?.discard();
  }
}

async function writeCache(state: RepositoryState, file: FileWriter): Promise<void> {
  const stores = [state.data, state.nodes];
  const summary = Buffer.from(JSON.stringify(stores.map(summaryOf)), "utf8");
  const head = new ByteWriter();
  head.bytes(Buffer.from(MAGIC));
  head.u16(CACHE_VERSION);
  head.u16(endianness() === "LE" ? 0 : 1);
  head.bytes(bytesOfHex(state.info.id));
  head.u32(summary.length);
  head.u32(0);
  const places = stores.flatMap((store) => columnsOf(withoutRetired(store)));
  await writePart(file, [head.finish(), summary, ...places]);
  await writePart(
    file,
    stores.flatMap((store) => tableColumns(store.fingerprints)),
  );
}

function summaryOf(store: RepositoryState["data"]): unknown {
  return {
    packs: store.packs.present.map(([, { name, sizeBytes, traits }]) => ({ name, sizeBytes, ...traits })),
    rowCount: store.segments.rowCount,
    slotCount: store.fingerprints.columns.tags.length,
    fingerprintCount: store.fingerprints.count,
  };
}

/** The rows in use; packs numbered without those that GC removed. */
function withoutRetired({ segments, packs }: RepositoryState["data"]): SegmentColumns {
  const newIndices = new Map(packs.present.map(([index], position) => [index, position]));
  const rows = newSegmentColumns(segments.rowCount);
  const from = columnsOf(segments.columns);
  for (const [index, column] of columnsOf(rows).entries()) {
    column.set((from[index] as Column).subarray(0, segments.rowCount));
  }
  for (let row = 0; row < segments.rowCount; row++)
    rows.packs[row] = newIndices.get(segments.packOf(row)) ?? 0;
  return rows;
}

function tableColumns(table: FingerprintTable): Column[] {
  const { tags, idsLow, tagsExtra, idsHigh } = table.columns;
  return [tags, idsLow, tagsExtra, idsHigh];
}

async function writePart(file: FileWriter, parts: readonly Column[]): Promise<void> {
  const hash = createHash("sha256");
  for (const part of parts) {
    for (const chunk of chunksOf(part)) {
      hash.update(chunk);
      await file.append(chunk);
    }
  }
  await file.append(hash.digest());
}

function* chunksOf(column: Column): Generator<Uint8Array> {
  const bytes = new Uint8Array(column.buffer, column.byteOffset, column.byteLength);
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES);
}

// Reading -----------------------------------------------------------------------------------------------------

/** The cached tables, or null when there are none that can be trusted. */
export async function loadIndexCache(
  state: RepositoryState,
  isPresent: (pack: KnownPack) => boolean,
): Promise<Record<PackKind, CachedTables> | null> {
  try {
    const fileBytes = await state.storage.size(CACHE_FILE);
    if (fileBytes === null) return null;
    return await readCache(state, fileBytes, isPresent);
  } catch (error) {
    // Damaged, unreadable, or of another version: the footers hold the same.
    if (error instanceof FormatError || error instanceof CodedError || error instanceof SyntaxError)
      return null;
    throw error;
  }
}

async function readCache(
  state: RepositoryState,
  fileBytes: number,
  isPresent: (pack: KnownPack) => boolean,
): Promise<Record<PackKind, CachedTables>> {
  const reader = new PartReader(state.storage, fileBytes);
  const head = await reader.bytes(HEAD_BYTES);
  const summaries = parseSummaries(await reader.bytes(summaryBytesOf(head, state.info.id)));
  ensure(
    summaries.every((summary) => summary.packs.every(isPresent)),
    "a pack of the cache is gone",
  );
  const segments: SegmentTable[] = [];
  for (const { rowCount } of summaries) segments.push(await readSegments(reader, rowCount));
  await reader.checksum();
  const fingerprints: (FingerprintTable | null)[] = [];
  for (const summary of summaries) {
    fingerprints.push(state.lock === null ? null : await readFingerprints(reader, summary));
  }
  if (state.lock !== null) await reader.checksum();
  const [data, nodes] = summaries.map((summary, index) => ({
    packs: summary.packs,
    segments: segments[index] ?? new SegmentTable(),
    fingerprints: fingerprints[index] ?? null,
  }));
  ensure(data !== undefined && nodes !== undefined, "the cache has not two stores");
  return { data, nodes };
}

function summaryBytesOf(head: Uint8Array, repositoryId: string): number {
  const from = new ByteReader(head);
  ensure(from.text(4) === MAGIC && from.u16() === CACHE_VERSION, "not a cache of this version");
  ensure(from.u16() === (endianness() === "LE" ? 0 : 1), "a cache of another byte order");
  ensure(sameHash(from.bytes(16), bytesOfHex(repositoryId)), "a cache of another repository");
  const bytes = from.u32();
  ensure(bytes <= SUMMARY_BYTES_MAX, "the summary is too long");
  return bytes;
}

function parseSummaries(bytes: Uint8Array): StoreSummary[] {
  const list: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
  ensure(Array.isArray(list) && list.length === 2, "the summary is not two stores");
  return list.map((each) => {
    const fields = objectOf(each, "a store");
    return {
      packs: listField(fields, "packs").map((pack) => parsePack(objectOf(pack, "a pack"))),
      rowCount: countField(fields, "rowCount"),
      slotCount: countField(fields, "slotCount"),
      fingerprintCount: countField(fields, "fingerprintCount"),
    };
  });
}

function parsePack(fields: Record<string, unknown>): KnownPack {
  const traits = { level: countField(fields, "level"), rank: countField(fields, "rank") };
  return { name: textField(fields, "name", 256), sizeBytes: countField(fields, "sizeBytes"), traits };
}

async function readSegments(reader: PartReader, rowCount: number): Promise<SegmentTable> {
  reader.ensureLeft(rowCount);
  const columns = newSegmentColumns(rowCount);
  for (const column of columnsOf(columns)) await reader.into(column);
  return SegmentTable.fromColumns({ ...columns, rowCount });
}

async function readFingerprints(reader: PartReader, summary: StoreSummary): Promise<FingerprintTable> {
  const { slotCount, fingerprintCount } = summary;
  reader.ensureLeft(slotCount);
  // A table without a free slot would never end a search.
  ensure(fingerprintCount < slotCount, "the fingerprint table is overfull");
  const tags = new Uint32Array(slotCount);
  const idsLow = new Uint32Array(slotCount);
  const tagsExtra = new Uint8Array(slotCount);
  const idsHigh = new Uint8Array(slotCount);
  for (const column of [tags, idsLow, tagsExtra, idsHigh]) await reader.into(column);
  return FingerprintTable.fromColumns({ count: fingerprintCount, tags, tagsExtra, idsLow, idsHigh });
}

/** Reads the file from front to back and keeps the checksum of the part it is in. */
class PartReader {
  readonly #storage: Storage;
  readonly #fileBytes: number;
  #at = 0;
  #hash: Hash = createHash("sha256");

  constructor(storage: Storage, fileBytes: number) {
    this.#storage = storage;
    this.#fileBytes = fileBytes;
  }

  /** No count in the file is believed before the file is seen to be at least that long. */
  ensureLeft(bytes: number): void {
    ensure(bytes <= this.#fileBytes - this.#at, "the cache is cut off");
  }

  async bytes(count: number): Promise<Uint8Array> {
    this.ensureLeft(count);
    const bytes = new Uint8Array(count);
    await this.into(bytes);
    return bytes;
  }

  async into(column: Column): Promise<void> {
    this.ensureLeft(column.byteLength);
    for (const chunk of chunksOf(column)) {
      await this.#storage.readAt(CACHE_FILE, this.#at, chunk);
      this.#hash.update(chunk);
      this.#at += chunk.length;
    }
  }

  async checksum(): Promise<void> {
    const expected = this.#hash.digest();
    this.#hash = createHash("sha256");
    const found = new Uint8Array(CHECKSUM_BYTES);
    this.ensureLeft(found.length);
    await this.#storage.readAt(CACHE_FILE, this.#at, found);
    this.#at += found.length;
    ensure(sameHash(found, expected), "the cache's checksum does not fit");
  }
}
