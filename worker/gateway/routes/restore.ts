// Pages going out: the agent tells the hashes of what it has, the answer is a stream of the pages that differ. Reading goes by
// the leased snapshot and page, never by hash: knowing a hash gives nobody a page.
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { PageRecord } from "#lib/engine/repository.ts";
import { CodedError } from "#lib/model/errors.ts";
import { PAGE_HASH_BYTES, sameHash } from "#lib/page/page.ts";
import { PAGES_PER_REQUEST } from "#lib/protocol/control.ts";
import { encodeFill, encodePage, type FrameHeader, imageTag } from "#lib/protocol/frames.ts";
import type { ServedImage } from "../../localize/served-image.ts";
import type { GatewayContext } from "../context.ts";
import { type Exchange, wholeNumber } from "../exchange.ts";
import { readHashes } from "../http.ts";
import type { Lease } from "../leases.ts";
import { imagesToRestore } from "../task-images.ts";
import type { Throttle } from "../throttle.ts";

export async function differRoute(
  context: GatewayContext,
  { request, response, query, signal: gone }: Exchange,
  lease: Lease,
  image: number,
): Promise<void> {
  if (lease.message.kind !== "restore")
    throw new CodedError("protocol-violation", "This task does not restore.");
  const firstPage = wholeNumber(query.get("first"));
  if (firstPage === null) throw new CodedError("protocol-violation", "A comparison must say its first page.");
  const blankCount = query.get("blank") === "1" ? blankPages(query) : null;
  if (blankCount !== null) request.resume();
  const hashes = blankCount === null ? await readHashes(request) : null;
  const reader = await readerOf(context, lease, image);
  const count = blankCount ?? (hashes?.length ?? 0) / PAGE_HASH_BYTES;
  const records = await reader.pageRecords(firstPage, count);
  const differing = hashes === null ? records : differingRecords(records, firstPage, hashes);
  const tag = tagOf(lease, image);
  const signal = AbortSignal.any([gone, lease.ended.signal]);
  response.writeHead(200, { "content-type": "application/octet-stream" });
  await sendPages(reader, differing, tag, new FrameSink(response, signal, context.throttle));
  response.end();
}

async function sendPages(
  reader: ServedImage,
  records: readonly PageRecord[],
  tag: Uint8Array,
  sink: FrameSink,
): Promise<void> {
  for (const record of records) {
    if (record.fillByte !== null) await sink.write(encodeFill(headerOf(record, tag), record.fillByte));
  }
  const stored = records.filter((record) => record.fillByte === null).map((record) => record.index);
  if (stored.length === 0) return;
  await reader.readPages(
    stored,
    async (record, bytes) => sink.write(await encodePage(headerOf(record, tag), bytes)),
    { signal: sink.signal },
  );
}

/** Writes frames one after the other, though the engine delivers pages side by side; a slow agent makes all of them wait. */
class FrameSink {
  readonly #response: ServerResponse;
  readonly #throttle: Throttle;
  readonly signal: AbortSignal;
  #tail: Promise<void> = Promise.resolve();

  constructor(response: ServerResponse, signal: AbortSignal, throttle: Throttle) {
    this.#response = response;
    this.signal = signal;
    this.#throttle = throttle;
  }

  write(frame: Buffer): Promise<void> {
    this.#tail = this.#tail.then(async () => {
      await this.#throttle.take(frame.length);
      this.signal.throwIfAborted();
      if (!this.#response.write(frame)) await once(this.#response, "drain", { signal: this.signal });
    });
    return this.#tail;
  }
}

function headerOf(record: PageRecord, tag: Uint8Array): FrameHeader {
  return {
    imageTag: tag,
    pageIndex: record.index,
    lengthBytes: record.lengthBytes,
    contentHash: record.contentHash,
  };
}

function differingRecords(
  records: readonly PageRecord[],
  firstPage: number,
  hashes: Uint8Array,
): PageRecord[] {
  return records.filter((record) => {
    const at = (record.index - firstPage) * PAGE_HASH_BYTES;
    return !sameHash(record.contentHash, hashes.subarray(at, at + PAGE_HASH_BYTES));
  });
}

export async function readerOf(context: GatewayContext, lease: Lease, image: number): Promise<ServedImage> {
  let reader = lease.readers.get(image);
  if (reader === undefined) {
    const record = context.repository.snapshot(lease.message.snapshotId);
    const wanted = imagesToRestore(record, lease.task)[image];
    if (wanted === undefined) throw noSuchImage(lease, image);
    const own = lease.localized.get(wanted.name);
    if (own !== undefined) return own;
    reader = context.repository.openImage(record.id, wanted.name);
    reader.catch(() => lease.readers.delete(image)); // Its error is thrown to who waits; the next request tries anew.
    lease.readers.set(image, reader);
  }
  return reader;
}

function tagOf(lease: Lease, image: number): Uint8Array {
  const wanted = lease.message.images[image];
  if (wanted === undefined) throw noSuchImage(lease, image);
  return imageTag(lease.message.snapshotId, wanted.diskSerial, wanted.partition);
}

function blankPages(query: URLSearchParams): number {
  const count = wholeNumber(query.get("count"));
  if (count !== null && count >= 1 && count <= PAGES_PER_REQUEST) return count;
  throw new CodedError("protocol-violation", `A blank comparison asks for 1 to ${PAGES_PER_REQUEST} pages.`);
}

function noSuchImage(lease: Lease, image: number): CodedError {
  return new CodedError("protocol-violation", `Task ${lease.task.taskId} has no image ${image}.`);
}
