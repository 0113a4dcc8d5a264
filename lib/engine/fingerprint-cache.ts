// The fingerprints of each store as a file beside the index cache. It is read when a block is first looked up, straight into
// the table's memory, and not at all by who looks up none: an unchanged archive, list, restore, verify.
//
// It says which packs it covers. Those that came later are added from their digest columns; those that are gone are in it
// still, and cost nothing but their slots: their ids are never found again.
import { CodedError } from "#lib/model/errors.ts";
import { type CacheReader, isCacheDue, readCacheFile, writeCacheFile } from "./cache-file.ts";
import { ensure } from "./format/bytes.ts";
import { DIGEST_BYTES, type SegmentEntry } from "./format/pack-format.ts";
import type { PackKind } from "./format/snapshot-format.ts";
import { countField, listField, objectOf } from "./format/text-file.ts";
import type { RepositoryState } from "./repository-state.ts";
import type { BlockStore } from "./store/block-store.ts";
import { FingerprintTable, isTableLayout, newTableLayout } from "./store/fingerprint-table.ts";
import { readDigests, readFooter } from "./store/pack-reader.ts";
import { secondChance } from "./store/second-chance.ts";
import { CHUNK_SLOTS, LINE_BYTES, LINE_SLOTS } from "./store/slot-memory.ts";

const fileOf = (kind: PackKind) => `index/fingerprints-${kind}`;

/** Writes the fingerprints when they are in memory and too much has changed since they were read. */
export async function saveFingerprints(state: RepositoryState, store: BlockStore): Promise<void> {
  const { kind } = store.identity;
  const table = store.fingerprints.table;
  if (table === null) return;
  const packs = store.tabled().filter(({ packIndex }) => !store.withoutFingerprints.has(packIndex));
  if (!isCacheDue(state.indexed[kind], packs)) return;
  // Of packs sealed from now on some blocks may be in the file, too: they are added again, and harm nothing.
  const names = packs.map(({ pack }) => pack.name);
  const written = await writeCacheFile(state.storage, fileOf(kind), async (out) => {
    const { version } = table;
    await out.head(state.info.id, { packs: names, sampling: table.isSampling ? 1 : 0 });
    await out.column(table.layout.lineCounts);
    await out.column(table.layout.counts);
    await out.checksum();
    for (const { chunk, lineCount } of table.packedChunks()) {
      await out.column(new Uint8Array([chunk.highs === null ? 0 : 1]));
      await out.column(chunk.bytes.subarray(0, lineCount * LINE_BYTES));
      if (chunk.highs !== null) await out.column(chunk.highs.subarray(0, lineCount * LINE_SLOTS));
      if (table.version !== version) return false; // An archive beside us changes it: the layout fits no more.
    }
    await out.checksum();
    return true;
  });
  if (written) state.indexed[kind] = new Set(names);
}

/** A table with the blocks of all packs there are. */
export async function loadFingerprints(state: RepositoryState, store: BlockStore): Promise<FingerprintTable> {
  const { kind } = store.identity;
  const cached = await readCacheFile(state.storage, fileOf(kind), (from) => readTable(from, state.info.id));
  const table = cached?.table ?? new FingerprintTable();
  // By number, as packs rewritten while we wait come at the end, and in place of others that are gone then.
  for (let index = 0; index < store.packs.packs.length; index++) {
    if (store.packs.isRetired(index) || cached?.packs.has(store.packs.nameOf(index))) continue;
    await addPack(state, store, index, table);
  }
  const isOneGone = [...(cached?.packs ?? [])].some((name) => !store.packs.has(name));
  if (isOneGone) table.forget((id) => store.isVoid(id));
  state.indexed[kind] = cached?.packs ?? null;
  return table;
}

async function readTable(
  from: CacheReader,
  repositoryId: string,
): Promise<{ table: FingerprintTable; packs: Set<string> }> {
  const fields = objectOf(await from.head(repositoryId), "the summary");
  const layout = newTableLayout();
  await from.into(layout.lineCounts);
  await from.into(layout.counts);
  await from.checksum();
  ensure(isTableLayout(layout), "the fingerprint table's layout is impossible");
  from.ensureLeft(layout.lineCounts.reduce((sum, count) => sum + count, 0) * LINE_BYTES);
  const { table, memory } = FingerprintTable.restore(layout, countField(fields, "sampling") === 1);
  for (const [index, chunk] of memory.chunks.entries()) {
    const isWide = new Uint8Array(1);
    await from.into(isWide);
    const lineCount = memory.linesTaken(index);
    await from.into(chunk.bytes.subarray(0, lineCount * LINE_BYTES));
    if (isWide[0] === 0) continue;
    chunk.highs = new Uint8Array(CHUNK_SLOTS);
    await from.into(chunk.highs.subarray(0, lineCount * LINE_SLOTS));
  }
  await from.checksum();
  return { table, packs: new Set(listField(fields, "packs").map(String)) };
}

async function addPack(
  state: RepositoryState,
  store: BlockStore,
  packIndex: number,
  table: FingerprintTable,
): Promise<void> {
  const pack = store.packs.packs[packIndex];
  if (pack === undefined) return;
  try {
    const { segments, digests } = await secondChance(async () => {
      const footer = await readFooter(state.storage, pack, store.identity);
      return { segments: footer.segments, digests: await readDigests(state.storage, pack.name, footer) };
    });
    addFingerprints(table, segments, digests, { known: table.count > 0 });
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    // Safe to go on: its blocks are stored once more instead, which also heals. Verify names the pack.
    store.withoutFingerprints.add(packIndex);
    if (!store.packs.isRetired(packIndex)) store.distrust(packIndex);
  }
}

/** `known`: does the table perhaps hold some already? Blocks keep their ids when their pack is rewritten, and would
 *  otherwise take a second slot. */
export function addFingerprints(
  table: FingerprintTable,
  segments: readonly SegmentEntry[],
  digests: Uint8Array,
  { known = false } = {},
): void {
  let at = 0;
  for (const segment of segments) {
    const end = at + segment.count * DIGEST_BYTES;
    for (let id = segment.firstId; at < end && !segment.isPrivate; id++, at += DIGEST_BYTES) {
      if (known && table.probe(digests, at, (found) => found === id)) continue;
      table.insert(digests, at, id);
    }
    at = end;
  }
}
