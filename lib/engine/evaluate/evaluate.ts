// Evaluation computes, for snapshots there are, what each technique, block size and compression would cost: the question
// every site asks before it chooses, answered with its own partitions. Nothing is estimated: the same segments, manifests
// and packs are made as an archive of these images into an empty repository would make, but measured instead of written.
//
// Blocks larger than a page (256 KiB) are beyond what repositories can have; they are evaluated as if pages were as large.
import { type Compression, isCompression, USUAL_COMPRESSION } from "#lib/model/compression.ts";
import { CodedError } from "#lib/model/errors.ts";
import { TECHNIQUES } from "#lib/model/snapshot.ts";
import { throwIfAborted } from "../archive/image-archiver.ts";
import { BLOCK_SIZE_MIN } from "../format/config-format.ts";
import { encodeSnapshot, type PackKind } from "../format/snapshot-format.ts";
import type { RepositoryState } from "../repository-state.ts";
import type { EvaluationRequest, EvaluationRow, ImageReader, SnapshotRecord, WorkOptions } from "../types.ts";
import { CHUNK_BYTES, ChunkReader } from "./chunk-reader.ts";
import { Compressor } from "./compressor.ts";
import { type FinishedLaneImage, Lane } from "./lane.ts";

const BLOCK_SIZES: readonly number[] = Array.from({ length: 14 }, (_, power) => BLOCK_SIZE_MIN << power);
const COMPRESSIONS: readonly Compression[] = [
  { codec: "none", level: 0 },
  { codec: "gzip", level: 6 },
  USUAL_COMPRESSION,
];
const PACK_NAME_CHARACTERS = "packs/ab/.pack".length + 64;

type OpenImage = (snapshotId: string, partition: string) => Promise<ImageReader>;

interface PartitionHistory {
  readonly first: ImageReader;
  readonly newest: ImageReader;
}

export class Evaluation {
  readonly #state: RepositoryState;
  readonly #open: OpenImage;
  readonly #snapshots: readonly SnapshotRecord[];
  readonly #base: "first" | "previous";
  readonly #compressions: readonly Compression[];
  readonly #compressor: Compressor;
  readonly #lanes: readonly Lane[];
  readonly #options: WorkOptions;
  /** Readers keep their snapshots from being pruned until they are closed. */
  readonly #opened: ImageReader[] = [];
  readonly #history = new Map<string, PartitionHistory>();
  /** Bytes after the snapshot before, by row of a snapshot. */
  #totals: number[] = [];
  readonly #snapshotFileBytes: number[];
  readonly #packsListed: number[];
  #doneBytes = 0;

  constructor(state: RepositoryState, open: OpenImage, request: EvaluationRequest, options: WorkOptions) {
    checkRequest(request);
    this.#state = state;
    this.#open = open;
    this.#options = options;
    this.#snapshots = request.snapshots.map(({ snapshotId, partition }) =>
      onlyPartition(state.storedSnapshot(snapshotId).record, partition),
    );
    this.#base = request.base ?? "previous";
    this.#compressions = request.compressions ?? COMPRESSIONS;
    this.#compressor = new Compressor(state.workers, this.#compressions);
    const nodeCompressor = new Compressor(state.workers, [USUAL_COMPRESSION]);
    const { techniques = TECHNIQUES, blockSizes = BLOCK_SIZES } = request;
    const shared = { base: this.#base, compressor: this.#compressor, nodeCompressor };
    this.#lanes = techniques.flatMap((technique) =>
      blockSizes.map((blockSize) => new Lane({ ...shared, technique, blockSize })),
    );
    this.#snapshotFileBytes = this.#lanes.flatMap(() => this.#compressions.map(() => 0));
    this.#packsListed = this.#snapshotFileBytes.slice();
  }

  async run(): Promise<EvaluationRow[]> {
    const rows: EvaluationRow[] = [];
    try {
      for (const snapshot of this.#snapshots) rows.push(...(await this.#snapshot(snapshot)));
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
    const base = needsBase ? (this.#base === "first" ? known?.first : known?.newest) : undefined;
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
            await this.#compressor.room();
            lane.take(page);
          }
        }
      }
      this.#doneBytes += chunk.lengthBytes;
      this.#options.onProgress?.({ doneBytes: this.#doneBytes, totalBytes: this.#totalBytes });
    }
    this.#history.set(partition, { first: known?.first ?? image, newest: image });
  }

  get #totalBytes(): number {
    return this.#snapshots
      .flatMap((snapshot) => snapshot.images)
      .reduce((sum, image) => sum + image.sizeBytes, 0);
  }

  #rowsOf(snapshot: SnapshotRecord, lane: Lane, images: readonly FinishedLaneImage[]): EvaluationRow[] {
    const firstRow = this.#lanes.indexOf(lane) * this.#compressions.length;
    return this.#compressions.map((compression, index) => {
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
    return encodeSnapshot(this.#state.info.id, {
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

function onlyPartition(snapshot: SnapshotRecord, partition: string | undefined): SnapshotRecord {
  if (partition === undefined) return snapshot;
  const images = snapshot.images.filter((image) => image.partition === partition);
  if (images.length > 0) return { ...snapshot, images };
  throw invalid(
    `Snapshot ${snapshot.id} has no partition ${JSON.stringify(partition)}`,
    `It has ${snapshot.images.map((image) => JSON.stringify(image.partition)).join(", ")}.`,
  );
}

function checkRequest({ snapshots, techniques, blockSizes, compressions }: EvaluationRequest): void {
  for (const list of [snapshots, techniques, blockSizes, compressions]) {
    if (list?.length === 0) throw invalid("There is nothing to evaluate", "Name at least one of each.");
  }
  const badSize = blockSizes?.find(
    (size) => !(size >= BLOCK_SIZE_MIN && size <= CHUNK_BYTES && Number.isInteger(Math.log2(size))),
  );
  if (badSize !== undefined) {
    throw invalid(
      `Blocks of ${badSize} bytes cannot be evaluated`,
      `Use powers of two from ${BLOCK_SIZE_MIN} to ${CHUNK_BYTES}.`,
    );
  }
  if (compressions !== undefined && !compressions.every(isCompression)) {
    throw invalid(
      "There is no such compression",
      "Use none, gzip with level 1 to 9, or zstd with level 1 to 19.",
    );
  }
}

function invalid(message: string, hint: string): CodedError {
  return new CodedError("input-invalid", `${message}.`, { hint });
}
