// ImageBytes is one image as random-access bytes: what a server of disks, or anyone who wants some bytes from the middle,
// reads from.
//
// Pages lately used are kept (64 MiB unless told otherwise). Misses that come up while others are being read are
// read together, because neighbours share segments and a segment is then decoded once for all of them; and who reads
// forward gets the next pages with the one asked for. A page that cannot be read fails only those who asked for it.
import { CodedError } from "#lib/model/errors.ts";
import { PAGE_BYTES } from "#lib/page/page.ts";
import type { ByteSource, ImageReader, PageRecord } from "../types.ts";

const PAGES_KEPT = 256;
/** 8 MiB at once; two such batches keep decoding and delivering busy. */
const BATCH_PAGES_MAX = 32;
const BATCHES_MAX = 2;
const AHEAD_PAGES = 4;

interface ZeroRun {
  readonly lengthBytes: number;
  /** True when every byte of the run is zero and nothing is stored for it. */
  readonly zero: boolean;
}

interface Wanted {
  readonly page: Promise<Uint8Array>;
  readonly resolve: (page: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
}

export class ImageBytes implements ByteSource {
  readonly sizeBytes: number;
  readonly #reader: ImageReader;
  readonly #pagesKept: number;
  /** By page; insertion order is age. */
  readonly #pages = new Map<number, Promise<Uint8Array>>();
  readonly #wanted = new Map<number, Wanted>();
  #batchCount = 0;
  #lastPage = -1;

  constructor(reader: ImageReader, options: { readonly pagesKept?: number } = {}) {
    this.#reader = reader;
    this.#pagesKept = options.pagesKept ?? PAGES_KEPT;
    this.sizeBytes = reader.image.sizeBytes;
  }

  async read(offsetBytes: number, into: Uint8Array): Promise<void> {
    this.#checkRange(offsetBytes, into.length);
    if (into.length === 0) return;
    const first = Math.floor(offsetBytes / PAGE_BYTES);
    const count = Math.ceil((offsetBytes + into.length) / PAGE_BYTES) - first;
    const records = await this.#reader.pageRecords(first, count);
    const copies = records.map((record) => this.#copy(record, offsetBytes, into));
    this.#readAhead(first, count, records);
    const results = await Promise.allSettled(copies);
    const rejected = results.find((result) => result.status === "rejected");
    if (rejected !== undefined) throw rejected.reason;
  }

  /** The range as runs of data and zeros, page by page, neighbours merged; at most `runsMax`, so perhaps not to the end. */
  async zeroRuns(offsetBytes: number, lengthBytes: number, runsMax: number): Promise<ZeroRun[]> {
    this.#checkRange(offsetBytes, lengthBytes);
    const runs: { lengthBytes: number; zero: boolean }[] = [];
    const end = offsetBytes + lengthBytes;
    for (let at = offsetBytes; at < end; ) {
      const page = Math.floor(at / PAGE_BYTES);
      const count = Math.min(BATCH_PAGES_MAX, Math.ceil(end / PAGE_BYTES) - page);
      for (const record of await this.#reader.pageRecords(page, count)) {
        const until = Math.min(end, record.index * PAGE_BYTES + record.lengthBytes);
        const zero = record.fillByte === 0;
        const last = runs.at(-1);
        if (last !== undefined && last.zero === zero) last.lengthBytes += until - at;
        else if (runs.length === runsMax) return runs;
        else runs.push({ lengthBytes: until - at, zero });
        at = until;
      }
    }
    return runs;
  }

  async #copy(record: PageRecord, offsetBytes: number, into: Uint8Array): Promise<void> {
    const pageOffset = record.index * PAGE_BYTES;
    const from = Math.max(0, offsetBytes - pageOffset);
    const to = Math.min(record.lengthBytes, offsetBytes + into.length - pageOffset);
    const at = pageOffset + from - offsetBytes;
    if (record.fillByte !== null) into.fill(record.fillByte, at, at + to - from);
    else into.set((await this.#page(record.index)).subarray(from, to), at);
  }

  #page(index: number): Promise<Uint8Array> {
    const page = this.#pages.get(index) ?? this.#wanted.get(index)?.page ?? this.#want(index);
    this.#pages.delete(index);
    this.#pages.set(index, page);
    for (const oldest of this.#pages.keys()) {
      if (this.#pages.size <= this.#pagesKept) break;
      this.#pages.delete(oldest);
    }
    return page;
  }

  #want(index: number): Promise<Uint8Array> {
    const { promise: page, resolve, reject } = Promise.withResolvers<Uint8Array>();
    this.#wanted.set(index, { page, resolve, reject });
    // The one who asked gets the error; the next one tries again.
    page.catch(() => {
      if (this.#pages.get(index) === page) this.#pages.delete(index);
    });
    // After this turn of the loop: reads that arrived together are read together.
    setImmediate(() => this.#startBatches());
    return page;
  }

  #startBatches(): void {
    while (this.#batchCount < BATCHES_MAX && this.#wanted.size > 0) {
      const batch = new Map([...this.#wanted].slice(0, BATCH_PAGES_MAX));
      for (const index of batch.keys()) this.#wanted.delete(index);
      this.#batchCount += 1;
      void this.#readBatch(batch).finally(() => {
        this.#batchCount -= 1;
        this.#startBatches();
      });
    }
  }

  /** Never rejects: every page of the batch is answered, with bytes or an error. */
  async #readBatch(batch: Map<number, Wanted>): Promise<void> {
    try {
      await this.#reader.readPages([...batch.keys()], async ({ index }, bytes) => {
        batch.get(index)?.resolve(bytes.slice());
        batch.delete(index);
      });
    } catch (error) {
      // Which page was at fault is found by reading the rest one by one.
      const several = batch.size > 1;
      for (const [index, wanted] of batch) {
        if (several) await this.#readBatch(new Map([[index, wanted]]));
        else wanted.reject(error);
      }
    }
  }

  #readAhead(first: number, count: number, records: readonly PageRecord[]): void {
    const goesOn = first === this.#lastPage || first === this.#lastPage + 1;
    this.#lastPage = first + count - 1;
    const stored = records.some((record) => record.fillByte === null);
    if (!goesOn || !stored || this.#wanted.size >= BATCH_PAGES_MAX) return;
    const next = this.#lastPage + 1;
    void this.#reader.pageRecords(next, AHEAD_PAGES).then(
      (ahead) => {
        for (const { index, fillByte } of ahead) {
          if (fillByte === null && !this.#pages.has(index)) this.#page(index).catch(() => undefined);
        }
      },
      () => undefined, // Nobody asked for these bytes yet; who does will be told.
    );
  }

  #checkRange(offsetBytes: number, lengthBytes: number): void {
    const inside = Number.isSafeInteger(offsetBytes) && offsetBytes >= 0 && lengthBytes >= 0;
    if (inside && offsetBytes + lengthBytes <= this.sizeBytes) return;
    throw new CodedError(
      "input-invalid",
      `Bytes ${offsetBytes} to ${offsetBytes + lengthBytes} were asked for; the image has ${this.sizeBytes}.`,
      { hint: "Ask for bytes inside the image." },
    );
  }
}
