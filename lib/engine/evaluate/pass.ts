// EvaluationPass leads the images of all snapshots past the lanes of one block size and makes their rows: its memory is that of
// one block size, whatever the request asks for.
import { throwIfAborted } from "../archive/image-archiver.ts";
import { encodeSnapshot, type PackKind } from "../format/snapshot-format.ts";
import { FORMAT_VERSION } from "../format/text-file.ts";
import type { RepositoryState } from "../repository-state.ts";
import type { EvaluationRow, ImageReader, SnapshotRecord } from "../types.ts";
import { ChunkReader } from "./chunk-reader.ts";
import type { Compressor } from "./compressor.ts";
import type { FinishedLaneImage, Lane } from "./lane.ts";

const PACK_NAME_CHARACTERS = "packs/ab/.pack".length + 64;

export type OpenImage = (snapshotId: string, partition: string) => Promise<ImageReader>;

interface PartitionHistory {
  readonly first: ImageReader;
  readonly newest: ImageReader;
}

export interface PassOptions {
  readonly snapshots: readonly SnapshotRecord[];
  readonly lanes: readonly Lane[];
  readonly base: "first" | "previous";
  readonly compressor: Compressor;
  readonly signal: AbortSignal | undefined;
  readonly onDone: (doneBytes: number) => void;
}

export class EvaluationPass {
  readonly #state: RepositoryState;
  readonly #open: OpenImage;
  readonly #options: PassOptions;
  readonly #lanes: readonly Lane[];
  /** Readers keep their snapshots from being pruned until they are closed. */
  readonly #opened: ImageReader[] = [];
  readonly #history = new Map<string, PartitionHistory>();
  /** Bytes after the snapshot before, by row of a snapshot. */
  #totals: number[] = [];
  readonly #snapshotFileBytes: number[];
  readonly #packsListed: number[];
  #doneBytes = 0;

  constructor(state: RepositoryState, open: OpenImage, options: PassOptions) {
    this.#state = state;
    this.#open = open;
    this.#options = options;
    this.#lanes = options.lanes;
    this.#snapshotFileBytes = this.#lanes.flatMap(() => options.compressor.compressions.map(() => 0));
    this.#packsListed = this.#snapshotFileBytes.slice();
  }

  async run(): Promise<EvaluationRow[]> {
    const rows: EvaluationRow[] = [];
    try {
      for (const snapshot of this.#options.snapshots) rows.push(...(await this.#snapshot(snapshot)));
      return rows;
    } finally {
      for (const reader of this.#opened) reader.close();
    }
  }

  async #snapshot(snapshot: SnapshotRecord): Promise<EvaluationRow[]> {
    const finished = new Map<Lane, FinishedLaneImage[]>(this.#lanes.map((lane) => [lane, []]));
    for (const { partition } of snapshot.images) {
      await this.#image(snapshot, partition);
      for (const lane of this.#lanes) finished.get(lane)?.push(lane.finishImage());
    }
    for (const lane of this.#lanes) await lane.sealSnapshot();
    const rows = this.#lanes.flatMap((lane) => this.#rowsOf(snapshot, lane, finished.get(lane) ?? []));
    this.#totals = rows.map((row) => row.totalBytes);
    return rows;
  }

  async #image(snapshot: SnapshotRecord, partition: string): Promise<void> {
    const image = await this.#open(snapshot.id, partition);
    this.#opened.push(image);
    const known = this.#history.get(partition);
    const needsBase = this.#lanes.some((lane) => lane.technique === "diff");
    const base = needsBase ? (this.#options.base === "first" ? known?.first : known?.newest) : undefined;
    const images = { image, previous: known?.newest ?? null, base: base ?? null };
    const pageSizes = new Set(this.#lanes.map((lane) => lane.pageBytes));
    for (const lane of this.#lanes) lane.beginImage(partition);
    for await (const chunk of new ChunkReader(images, Math.max(...pageSizes)).chunks()) {
      throwIfAborted(this.#options.signal);
      this.#state.checkOpen();
      for (const pageBytes of pageSizes) {
        const lanes = this.#lanes.filter((lane) => lane.pageBytes === pageBytes);
        for (const page of chunk.pages(pageBytes)) {
          for (const lane of lanes) {
            await this.#options.compressor.room();
            lane.take(page);
          }
        }
      }
      this.#doneBytes += chunk.lengthBytes;
      this.#options.onDone(this.#doneBytes);
    }
    this.#history.set(partition, { first: known?.first ?? image, newest: image });
  }

  #rowsOf(snapshot: SnapshotRecord, lane: Lane, images: readonly FinishedLaneImage[]): EvaluationRow[] {
    const firstRow = this.#lanes.indexOf(lane) * this.#options.compressor.compressions.length;
    return this.#options.compressor.compressions.map((compression, index) => {
      const row = firstRow + index;
      const packs = lane.data[index];
      if (packs === undefined) throw new Error("Bug: a lane has fewer compressions than there are");
      const packCount = packs.packCount + lane.nodes.packCount;
      const newPacks = packCount - (this.#packsListed[row] ?? 0);
      this.#packsListed[row] = packCount;
      const fileBytes =
        (this.#snapshotFileBytes[row] ?? 0) + this.#snapshotFile(snapshot, lane, images, newPacks);
      this.#snapshotFileBytes[row] = fileBytes;
      const totalBytes = packs.bytes + lane.nodes.bytes + fileBytes;
      return {
        snapshot: snapshot.id,
        technique: lane.technique,
        blockSize: lane.blockSize,
        compression,
        dataBytes: packs.payloadBytes,
        metadataBytes: totalBytes - packs.payloadBytes,
        totalBytes,
        incrementBytes: totalBytes - (this.#totals[row] ?? 0),
      };
    });
  }

  /** The file this snapshot would have; counters in it may have a few digits more or fewer. */
  #snapshotFile(
    snapshot: SnapshotRecord,
    lane: Lane,
    images: readonly FinishedLaneImage[],
    packCount: number,
  ): number {
    const pack = { name: "0".repeat(PACK_NAME_CHARACTERS), kind: "data" as PackKind };
    const place = { firstId: lane.nextBlockId, endId: lane.nextBlockId };
    return encodeSnapshot(this.#state.owner, {
      format: FORMAT_VERSION,
      record: {
        ...snapshot,
        images: snapshot.images.map(({ baseId: _, ...image }, index) => {
          const made = images[index];
          const { technique = lane.technique, newBytes = 0 } = made ?? {};
          const base = technique === "diff" ? { baseId: snapshot.id } : {};
          return { ...image, technique, newBytes, storedBytes: newBytes, ...base };
        }),
      },
      roots: images.map((image) => image.root),
      packs: Array.from({ length: packCount }, () => ({ ...pack, ...place })),
      nextBlockId: lane.nextBlockId,
      nextNodeId: lane.nextNodeId,
    }).length;
  }
}
