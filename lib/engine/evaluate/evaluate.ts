// Evaluation computes, for snapshots there are, what each technique, block size and compression would cost: the question
// every site asks before it chooses, answered with its own partitions. Nothing is estimated: the same segments, manifests
// and packs are made as an archive of these images into an empty repository would make, but measured instead of written.
//
// Blocks larger than a page (256 KiB) are beyond what repositories can have; they are evaluated as if pages were as large.
import { type Compression, isCompression, USUAL_COMPRESSION } from "#lib/model/compression.ts";
import { CodedError } from "#lib/model/errors.ts";
import { TECHNIQUES, type Technique } from "#lib/model/snapshot.ts";
import { BLOCK_SIZE_MIN } from "../format/config-format.ts";
import { sealBytesOf } from "../format/pack-format.ts";
import type { StoredSnapshot } from "../format/snapshot-format.ts";
import type { RepositoryState } from "../repository-state.ts";
import type { EvaluateOptions, EvaluationRequest, EvaluationRow, SnapshotRecord } from "../types.ts";
import { CHUNK_BYTES } from "./chunk-reader.ts";
import { Compressor } from "./compressor.ts";
import { Lane } from "./lane.ts";
import { EvaluationPass, type OpenImage } from "./pass.ts";

export const EVALUATED_BLOCK_SIZES: readonly number[] = Array.from(
  { length: 14 },
  (_, power) => BLOCK_SIZE_MIN << power,
);
export const EVALUATED_COMPRESSIONS: readonly Compression[] = [
  { codec: "none", level: 0 },
  { codec: "gzip", level: 6 },
  USUAL_COMPRESSION,
];

/** The block sizes of a request one after the other, all techniques of one together: a pass over the images. What is
 *  interrupted goes on with the pass it was in, given the rows of those before. */
export class Evaluation {
  readonly #state: RepositoryState;
  readonly #open: OpenImage;
  readonly #stored: readonly StoredSnapshot[];
  readonly #snapshots: readonly SnapshotRecord[];
  readonly #techniques: readonly Technique[];
  readonly #blockSizes: readonly number[];
  readonly #compressions: readonly Compression[];
  readonly #base: "first" | "previous";
  /** Of all passes: whole pages come again in each of them, and their sizes are remembered by content. */
  readonly #compressor: Compressor;
  readonly #nodeCompressor: Compressor;
  readonly #options: EvaluateOptions;

  constructor(state: RepositoryState, open: OpenImage, request: EvaluationRequest, options: EvaluateOptions) {
    checkRequest(request);
    this.#state = state;
    this.#open = open;
    this.#options = options;
    this.#stored = request.snapshots.map(({ snapshotId }) => state.storedSnapshot(snapshotId));
    this.#snapshots = this.#stored.map(({ record }, index) =>
      onlyPartition(record, request.snapshots[index]?.partition),
    );
    this.#techniques = request.techniques ?? TECHNIQUES;
    this.#blockSizes = request.blockSizes ?? EVALUATED_BLOCK_SIZES;
    this.#compressions = request.compressions ?? EVALUATED_COMPRESSIONS;
    this.#base = request.base ?? "previous";
    this.#compressor = new Compressor(state.workers, this.#compressions);
    this.#nodeCompressor = new Compressor(state.workers, [USUAL_COMPRESSION]);
  }

  async run(): Promise<EvaluationRow[]> {
    const releases = this.#stored.map((snapshot) => this.#state.holds.take(snapshot));
    try {
      const passes: (readonly EvaluationRow[])[] = [];
      for (const [index, blockSize] of this.#blockSizes.entries()) {
        const known = this.#knownOf(blockSize);
        passes.push(known ?? (await this.#pass(index, blockSize)));
        if (known !== null) this.#tell(index + 1, 0);
      }
      return this.#inOrder(passes);
    } finally {
      for (const release of releases) release();
    }
  }

  #knownOf(blockSize: number): readonly EvaluationRow[] | null {
    const rows = (this.#options.known ?? []).filter((row) => row.blockSize === blockSize);
    return rows.length === this.#snapshots.length * this.#kinds ? rows : null;
  }

  async #pass(index: number, blockSize: number): Promise<readonly EvaluationRow[]> {
    const pass = new EvaluationPass(this.#state, this.#open, {
      snapshots: this.#snapshots,
      lanes: this.#lanesOf(blockSize),
      base: this.#base,
      compressor: this.#compressor,
      signal: this.#options.signal,
      onDone: (doneBytes) => this.#tell(index, doneBytes),
    });
    const rows = await pass.run();
    await this.#options.onRows?.(rows);
    return rows;
  }

  /** Rows of one snapshot in one pass. */
  get #kinds(): number {
    return this.#techniques.length * this.#compressions.length;
  }

  #tell(passesDone: number, doneBytes: number): void {
    const images = this.#snapshots.flatMap((snapshot) => snapshot.images);
    const passBytes = images.reduce((sum, image) => sum + image.sizeBytes, 0);
    const totalBytes = passBytes * this.#blockSizes.length;
    this.#options.onProgress?.({ doneBytes: passesDone * passBytes + doneBytes, totalBytes });
  }

  #lanesOf(blockSize: number): Lane[] {
    const shared = {
      base: this.#base,
      compressor: this.#compressor,
      nodeCompressor: this.#nodeCompressor,
      sealBytes: sealBytesOf(this.#state.data.identity),
    };
    return this.#techniques.map((technique) => new Lane({ ...shared, technique, blockSize }));
  }

  /** By snapshot, technique, block size and compression, each in the request's order. Passes are by snapshot (the same may be
   *  named twice, for two partitions), technique and compression. */
  #inOrder(passes: readonly (readonly EvaluationRow[])[]): EvaluationRow[] {
    const each = this.#compressions.length;
    return this.#snapshots.flatMap((_, nth) =>
      this.#techniques.flatMap((_, technique) => {
        const first = nth * this.#kinds + technique * each;
        return passes.flatMap((rows) => rows.slice(first, first + each));
      }),
    );
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
