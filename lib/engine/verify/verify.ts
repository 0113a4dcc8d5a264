// Verify re-reads a repository and says what is wrong with it. Rot is an answer, never an exception.
//
// Three passes: the small files (config, snapshots); every pack, byte for byte; and every image, from its contentRoot
// down to the hash of each page assembled from its blocks. What snapshots share is checked once.
import { CodedError } from "#lib/model/errors.ts";
import { contentHashOf, contentRootFromTop, INNER_CHILDREN, LEAF_PAGES } from "#lib/page/content-root.ts";
import { PAGE_BYTES, pageLength, sameHash } from "#lib/page/page.ts";
import { throwIfAborted } from "../archive/image-archiver.ts";
import { FormatError, hexOf } from "../format/bytes.ts";
import { CONFIG_FILE } from "../format/config-format.ts";
import { hashOfPackName, PACK_BYTES_MAX, packFolder } from "../format/pack-format.ts";
import {
  decodeSnapshot,
  type ManifestRoot,
  type StoredSnapshot,
  snapshotFileName,
} from "../format/snapshot-format.ts";
import { NewerFormatError } from "../format/text-file.ts";
import { readConfig } from "../read-config.ts";
import type { RepositoryState } from "../repository-state.ts";
import { hashOfEntry, ImageTree } from "../restore/image-tree.ts";
import { NodeCache } from "../restore/node-cache.ts";
import { PageReader } from "../restore/page-reader.ts";
import type { StoredFile } from "../storage/storage.ts";
import type { BlockStore } from "../store/block-store.ts";
import type { ImageRecord, VerifyReport, WorkOptions } from "../types.ts";
import { type Affected, Findings } from "./findings.ts";
import { SeenPages } from "./seen-pages.ts";
import { checkUpkeepFiles, withoutWhatIsGone } from "./upkeep-files.ts";

const PAGES_AT_ONCE = 256;

/** One image being verified. */
interface ImageUnderCheck {
  readonly tree: ImageTree;
  readonly reader: PageReader;
  readonly affected: Affected;
  readonly file: string;
  readonly pages: number[];
}

export class Verification {
  readonly #state: RepositoryState;
  readonly #options: WorkOptions & { readonly snapshotId?: string };
  readonly #findings = new Findings();
  /** Its own, empty: what was read before must not hide what has rotted since. */
  readonly #nodes: NodeCache;
  /** Content hashes of nodes verified with all below them. */
  readonly #verified = new Map<string, Uint8Array>();
  readonly #seenPages = new SeenPages();
  readonly #neededPacks = new Set<string>();
  #imageCount = 0;
  #packCount = 0;
  #checkedBytes = 0;
  #totalBytes = 0;

  constructor(state: RepositoryState, options: WorkOptions & { readonly snapshotId?: string }) {
    this.#state = state;
    this.#options = options;
    this.#nodes = new NodeCache(state.nodes, PAGE_BYTES / state.info.blockSize);
  }

  async run(): Promise<VerifyReport> {
    const startedMs = performance.now();
    const snapshots = this.#chosenSnapshots();
    // Before the files are listed: a pack sealed in between is in the list or not known yet.
    const known = this.#knownPacks();
    const removedBefore = new Set(this.#state.removedPacks);
    const files = await this.#packFiles();
    this.#totalBytes = files.reduce((sum, { file }) => sum + file.sizeBytes, 0);
    await this.#checkConfig();
    if (this.#options.snapshotId === undefined) await checkUpkeepFiles(this.#state, this.#findings);
    for (const snapshot of snapshots) await this.#checkSnapshotFile(snapshot);
    if (this.#options.snapshotId === undefined) this.#reportDamagedSnapshots();
    this.#reportMissingPacks(snapshots, files, known);
    await this.#checkPacksAndImages(snapshots, files);
    return {
      snapshotCount: snapshots.length,
      imageCount: this.#imageCount,
      packCount: this.#packCount,
      checkedBytes: this.#checkedBytes,
      seconds: (performance.now() - startedMs) / 1000,
      findings: await withoutWhatIsGone(this.#state, this.#findings.list(), removedBefore),
    };
  }

  #chosenSnapshots(): StoredSnapshot[] {
    const { snapshotId } = this.#options;
    const all = this.#state.stored;
    return snapshotId === undefined ? [...all] : all.filter((snapshot) => snapshot.record.id === snapshotId);
  }

  async #packFiles(): Promise<{ store: BlockStore; file: StoredFile }[]> {
    const found: { store: BlockStore; file: StoredFile }[] = [];
    for (const store of [this.#state.data, this.#state.nodes]) {
      const files = await this.#state.storage.list(packFolder(store.identity.kind));
      for (const file of files) {
        if (hashOfPackName(file.name) !== null && !this.#state.removedPacks.has(file.name))
          found.push({ store, file });
      }
    }
    return found;
  }

  // Small files -----------------------------------------------------------------------------------------------

  async #checkConfig(): Promise<void> {
    try {
      await readConfig(this.#state.storage);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#findings.add("repository-corrupt", CONFIG_FILE, error.message);
    }
  }

  async #checkSnapshotFile(snapshot: StoredSnapshot): Promise<void> {
    const file = snapshotFileName(snapshot.record);
    const affected = { snapshotId: snapshot.record.id, partition: null };
    try {
      const bytes = await this.#state.storage.readFile(file);
      if (bytes === null) throw new FormatError("it is missing");
      decodeSnapshot(this.#state.owner, bytes);
      this.#checkedBytes += bytes.length;
    } catch (error) {
      if (error instanceof FormatError || error instanceof NewerFormatError) {
        this.#findings.add(
          "snapshot-corrupt",
          file,
          `The snapshot file ${file} is damaged: ${error.message}.`,
          affected,
        );
      } else this.#findings.addError(error, file, affected);
    }
  }

  #reportDamagedSnapshots(): void {
    for (const [snapshotId, { file, message }] of this.#state.damagedSnapshots) {
      const affected = { snapshotId, partition: null };
      this.#findings.add(
        "snapshot-corrupt",
        file,
        `The snapshot file ${file} is damaged: ${message}.`,
        affected,
      );
    }
  }

  #knownPacks(): string[] {
    return [this.#state.data, this.#state.nodes].flatMap(({ packs }) =>
      packs.present.map(([, { name }]) => name),
    );
  }

  #reportMissingPacks(
    snapshots: readonly StoredSnapshot[],
    files: readonly { file: StoredFile }[],
    known: readonly string[],
  ): void {
    const present = new Set(files.map(({ file }) => file.name));
    for (const snapshot of snapshots) {
      for (const pack of snapshot.packs) {
        if (present.has(pack.name)) continue;
        const affected = { snapshotId: snapshot.record.id, partition: null };
        this.#findings.add("pack-missing", pack.name, `The pack ${pack.name} is missing.`, affected);
      }
    }
    if (this.#options.snapshotId !== undefined) return;
    const listed = new Set(snapshots.flatMap((snapshot) => snapshot.packs.map(({ name }) => name)));
    // Also those no snapshot lists: pruned ones did, or a later archive may have found blocks in them.
    for (const name of new Set([...this.#state.ledger.content.packs.map((pack) => pack.name), ...known])) {
      if (present.has(name) || listed.has(name)) continue;
      this.#findings.add("pack-missing", name, `The pack ${name} is missing.`);
    }
  }

  // Packs -----------------------------------------------------------------------------------------------------

  /** Packs are checked in threads beside the images, unless it is the images that tell which packs are needed. */
  async #checkPacksAndImages(
    snapshots: readonly StoredSnapshot[],
    files: readonly { store: BlockStore; file: StoredFile }[],
  ): Promise<void> {
    const beside = this.#options.snapshotId === undefined ? this.#checkPackFiles(files) : null;
    const results = await Promise.allSettled([this.#checkAllImages(snapshots), beside]);
    for (const result of results) if (result.status === "rejected") throw result.reason;
    if (beside === null) await this.#checkPackFiles(files);
  }

  /** As many packs in memory at a time as there are threads, two at most: a pack is 64 MiB. */
  async #checkPackFiles(files: readonly { store: BlockStore; file: StoredFile }[]): Promise<void> {
    let next = 0;
    const checkSome = async () => {
      for (let each = files[next++]; each !== undefined; each = files[next++]) {
        await this.#checkPackFile(each.store, each.file);
      }
    };
    await Promise.all(Array.from({ length: Math.min(2, this.#state.workers.threadCount || 1) }, checkSome));
  }

  async #checkAllImages(snapshots: readonly StoredSnapshot[]): Promise<void> {
    for (const snapshot of snapshots) await this.#checkImages(snapshot);
  }

  async #checkPackFile(store: BlockStore, file: StoredFile): Promise<void> {
    throwIfAborted(this.#options.signal);
    this.#state.checkOpen();
    if (this.#options.snapshotId !== undefined && !this.#neededPacks.has(file.name)) return;
    this.#packCount += 1;
    try {
      const problem = await this.#problemOf(store, file);
      if (problem !== null)
        this.#findings.add("pack-corrupt", file.name, `The pack ${file.name} is damaged: ${problem}.`);
    } catch (error) {
      this.#findings.addError(error, file.name, { snapshotId: null, partition: null });
    }
    this.#checkedBytes += file.sizeBytes;
    this.#options.onProgress?.({
      doneBytes: Math.min(this.#checkedBytes, this.#totalBytes),
      totalBytes: this.#totalBytes,
    });
  }

  async #problemOf(store: BlockStore, file: StoredFile): Promise<string | null> {
    if (file.sizeBytes > PACK_BYTES_MAX) return `${file.sizeBytes} bytes are too many for a pack`;
    const bytes = new Uint8Array(file.sizeBytes);
    await this.#state.storage.readAt(file.name, 0, bytes);
    return this.#state.workers.checkPack(file.name, store.identity, bytes);
  }

  // Images ----------------------------------------------------------------------------------------------------

  async #checkImages(snapshot: StoredSnapshot): Promise<void> {
    for (const [index, image] of snapshot.record.images.entries()) {
      throwIfAborted(this.#options.signal);
      this.#state.checkOpen();
      this.#imageCount += 1;
      const affected = { snapshotId: snapshot.record.id, partition: image.partition };
      const file = snapshotFileName(snapshot.record);
      try {
        const root = snapshot.roots[index];
        if (root !== undefined) await this.#checkImage(snapshot, image, root, affected, file);
      } catch (error) {
        this.#findings.addError(error, file, affected);
      }
    }
  }

  async #checkImage(
    snapshot: StoredSnapshot,
    image: ImageRecord,
    root: ManifestRoot,
    affected: Affected,
    file: string,
  ): Promise<void> {
    const what = `${snapshot.record.id}, partition ${image.partition}`;
    const tree = new ImageTree(this.#nodes, root, image.sizeBytes, what);
    const reader = new PageReader(this.#state, snapshot, image, tree);
    const under: ImageUnderCheck = { tree, reader, affected, file, pages: [] };
    let top: Uint8Array | null;
    try {
      top = await this.#checkNode(under, root, 0, root.level);
      await this.#checkPages(under);
    } finally {
      reader.close();
    }
    if (top === null || hexOf(contentRootFromTop(top, image.sizeBytes)) === image.contentRoot) return;
    this.#findings.add(
      "snapshot-corrupt",
      file,
      `The contentRoot of ${what} is not that of its pages.`,
      affected,
    );
  }

  /** The node's content hash computed from below, or null when something below cannot be read. */
  async #checkNode(
    under: ImageUnderCheck,
    node: { readonly nodeId: number; readonly hash: Uint8Array },
    index: number,
    level: number,
  ): Promise<Uint8Array | null> {
    this.#need(this.#state.nodes, node.nodeId);
    const key = memoKey(under.tree, node, index, level);
    const known = this.#options.snapshotId === undefined ? this.#verified.get(key) : undefined;
    if (known !== undefined) return known;
    const contentHash =
      level === 0 ? await this.#checkLeaf(under, index) : await this.#checkInner(under, node, index, level);
    if (contentHash !== null) this.#verified.set(key, contentHash);
    return contentHash;
  }

  async #checkInner(
    under: ImageUnderCheck,
    node: { readonly nodeId: number; readonly hash: Uint8Array },
    index: number,
    level: number,
  ): Promise<Uint8Array | null> {
    const children = await this.#nodes.inner({ ...node, level });
    let whole = true;
    for (const [at, child] of children.entries()) {
      const found = await this.#checkChild(under, child, index * INNER_CHILDREN + at, level - 1);
      if (found === null) whole = false;
      else if (!sameHash(found, child.contentHash)) {
        throw new CodedError(
          "repository-corrupt",
          `Manifest node ${child.nodeId} does not have its content hash.`,
        );
      }
    }
    return whole ? contentHashOf(level, Buffer.concat(children.map((child) => child.contentHash))) : null;
  }

  /** One unreadable child does not hide what else is wrong. */
  async #checkChild(
    under: ImageUnderCheck,
    child: { readonly nodeId: number; readonly hash: Uint8Array },
    index: number,
    level: number,
  ): Promise<Uint8Array | null> {
    try {
      return await this.#checkNode(under, child, index, level);
    } catch (error) {
      this.#findings.addError(error, under.file, under.affected);
      return null;
    }
  }

  async #checkLeaf(under: ImageUnderCheck, leafIndex: number): Promise<Uint8Array> {
    const entries = await under.tree.leaf(leafIndex);
    const hashes = entries.map((entry, within) => {
      const pageIndex = leafIndex * LEAF_PAGES + within;
      const isNew = entry.fillByte === null && this.#seenPages.isNew(entry);
      if (isNew) under.pages.push(pageIndex);
      if (entry.fillByte === null && this.#options.snapshotId !== undefined) this.#needRuns(entry.runs);
      return hashOfEntry(entry, pageLength(under.tree.sizeBytes, pageIndex));
    });
    if (under.pages.length >= PAGES_AT_ONCE) await this.#checkPages(under);
    return contentHashOf(0, Buffer.concat(hashes));
  }

  /** Reads the pages noted so far. When one cannot be read, each is read alone to find all that cannot. */
  async #checkPages(under: ImageUnderCheck): Promise<void> {
    const pages = under.pages.splice(0);
    throwIfAborted(this.#options.signal);
    const ignore = async () => undefined;
    try {
      await under.reader.readPages(pages, ignore);
    } catch {
      for (const page of pages) {
        try {
          await under.reader.readPages([page], ignore);
        } catch (error) {
          this.#findings.addError(error, under.file, under.affected);
        }
      }
    }
  }

  // Which packs one snapshot needs ----------------------------------------------------------------------------

  #needRuns(runs: readonly number[]): void {
    for (let at = 0; at < runs.length; at += 2) {
      const start = runs[at] as number;
      const count = runs[at + 1] as number;
      for (let id = start; id >= 0 && id < start + count; ) id = this.#need(this.#state.data, id);
    }
  }

  /** Notes the pack of a block; answers the id after its segment. */
  #need(store: BlockStore, id: number): number {
    const row = store.segments.rowOf(id);
    if (row < 0) return id + 1; // Reading it reports the missing pack.
    const place = store.segments.place(row);
    this.#neededPacks.add(store.packs.nameOf(place.packIndex));
    return store.segments.endOfRow(id);
  }
}

/** Nodes at the right edge cover less, depending on the image's size; all others are the same wherever they are. */
function memoKey(
  tree: ImageTree,
  node: { readonly nodeId: number; readonly hash: Uint8Array },
  index: number,
  level: number,
): string {
  const pagesPerNode = LEAF_PAGES * INNER_CHILDREN ** level;
  const isEdge = (index + 1) * pagesPerNode * PAGE_BYTES >= tree.sizeBytes;
  return `${node.nodeId}:${hexOf(node.hash.subarray(0, 8))}:${isEdge ? tree.sizeBytes : ""}`;
}
