// The index cache: what lies where, for both stores, as one file, so that opening need not read every pack's footer. Packs
// newer than the file are read from their footers; packs that are gone are left out.

import { type CacheReader, type Column, isCacheDue, readCacheFile, writeCacheFile } from "./cache-file.ts";
import { ensure } from "./format/bytes.ts";
import type { PackKind } from "./format/snapshot-format.ts";
import { countField, listField, objectOf, textField } from "./format/text-file.ts";
import type { RepositoryState } from "./repository-state.ts";
import type { BlockStore } from "./store/block-store.ts";
import type { KnownPack } from "./store/pack-list.ts";
import { columnsOf, newSegmentColumns, SegmentTable } from "./store/segment-table.ts";

const CACHE_FILE = "index/cache";

/** The tables of one store as the cache had them. */
export interface CachedTables {
  readonly packs: readonly KnownPack[];
  readonly segments: SegmentTable;
}

interface StoreSummary {
  readonly packs: readonly KnownPack[];
  readonly rowCount: number;
}

/** Writes the cache when too much has changed since it was read. */
export async function saveIndexCache(state: RepositoryState): Promise<void> {
  const stores = [state.data, state.nodes];
  const packs = stores.flatMap((store) => store.tabled());
  if (!isCacheDue(state.indexed.places, packs)) return;
  const names = new Set(packs.map(({ pack }) => pack.name));
  // All at this moment: packs may be sealed beside us, and none must be in some columns only.
  const summary = stores.map(summaryOf);
  const columns = stores.flatMap(columnsNow);
  const written = await writeCacheFile(state.storage, CACHE_FILE, async (out) => {
    await out.head(state.info.id, summary);
    for (const column of columns) await out.column(column);
    await out.checksum();
    return true;
  });
  if (written) state.indexed.places = names;
}

function summaryOf(store: BlockStore): unknown {
  return {
    packs: store.tabled().map(({ pack: { name, sizeBytes, traits } }) => ({ name, sizeBytes, ...traits })),
    rowCount: store.segments.rowCount,
  };
}

/** The rows in use; packs numbered without those that GC removed. */
function columnsNow(store: BlockStore): Column[] {
  const { columns, rowCount } = store.segments;
  const newIndices = new Uint32Array(store.packs.packs.length);
  for (const [position, { packIndex }] of store.tabled().entries()) newIndices[packIndex] = position;
  return columnsOf(columns).map((column) =>
    column === columns.packs
      ? columns.packs.subarray(0, rowCount).map((pack) => newIndices[pack] ?? 0)
      : column.slice(0, rowCount),
  );
}

/** The cached tables, or null when there are none that can be trusted. */
export async function loadIndexCache(state: RepositoryState): Promise<Record<PackKind, CachedTables> | null> {
  return readCacheFile(state.storage, CACHE_FILE, async (from) => {
    const summaries = parseSummaries(await from.head(state.info.id));
    const tables: CachedTables[] = [];
    for (const { packs, rowCount } of summaries) {
      tables.push({ packs, segments: await readSegments(from, rowCount) });
    }
    await from.checksum();
    const [data, nodes] = tables;
    ensure(data !== undefined && nodes !== undefined, "the cache has not two stores");
    return { data, nodes };
  });
}

function parseSummaries(list: unknown): StoreSummary[] {
  ensure(Array.isArray(list) && list.length === 2, "the summary is not two stores");
  return list.map((each) => {
    const fields = objectOf(each, "a store");
    return {
      packs: listField(fields, "packs").map((pack) => parsePack(objectOf(pack, "a pack"))),
      rowCount: countField(fields, "rowCount"),
    };
  });
}

function parsePack(fields: Record<string, unknown>): KnownPack {
  const traits = { level: countField(fields, "level"), rank: countField(fields, "rank") };
  return { name: textField(fields, "name", 256), sizeBytes: countField(fields, "sizeBytes"), traits };
}

async function readSegments(from: CacheReader, rowCount: number): Promise<SegmentTable> {
  from.ensureLeft(rowCount);
  const columns = newSegmentColumns(rowCount);
  for (const column of columnsOf(columns)) await from.into(column);
  return SegmentTable.fromColumns({ ...columns, rowCount });
}
