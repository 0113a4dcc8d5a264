// What a PC in a chain asks of the gateway: the hashes of all pages, its place in the order, and a line to the source.
import type { Duplex } from "node:stream";
import { CodedError } from "#lib/model/errors.ts";
import { PAGE_HASH_BYTES, pageCountOf } from "#lib/page/page.ts";
import { ChainReportRequest, type ChainReportResponse } from "#lib/protocol/control.ts";
import type { GatewayContext } from "../context.ts";
import { type Exchange, wholeNumber } from "../exchange.ts";
import { answer, readJson } from "../http.ts";
import type { Lease } from "../leases.ts";
import { readerOf } from "./restore.ts";

/** 2 MiB of hashes. */
const HASHES_MAX = 65_536;
const RECORDS_AT_ONCE = 4096;
/** How old the figures may be that people see. */
const NOTE_MS = 3_000;

/** 32 bytes per page, from `first` on: to the image's end, or HASHES_MAX pages. */
export async function hashesRoute(
  context: GatewayContext,
  { request, response, query }: Exchange,
  lease: Lease,
  image: number,
): Promise<void> {
  requireRestore(lease);
  request.resume();
  const first = wholeNumber(query.get("first"));
  const pages = pageCountOf(lease.message.images[image]?.sizeBytes ?? 0);
  if (first === null || first >= pages)
    throw new CodedError("protocol-violation", "A list of hashes must say its first page.");
  const reader = await readerOf(context, lease, image);
  const count = Math.min(HASHES_MAX, pages - first);
  const hashes = Buffer.allocUnsafe(count * PAGE_HASH_BYTES);
  for (let done = 0; done < count; done += RECORDS_AT_ONCE) {
    const records = await reader.pageRecords(first + done, Math.min(RECORDS_AT_ONCE, count - done));
    for (const { index, contentHash } of records) hashes.set(contentHash, (index - first) * PAGE_HASH_BYTES);
  }
  response.writeHead(200, { "content-type": "application/octet-stream", "content-length": hashes.length });
  response.end(hashes);
}

export async function chainReportRoute(
  context: GatewayContext,
  { request, response }: Exchange,
  lease: Lease,
): Promise<void> {
  requireRestore(lease);
  const { host, port, ...report } = await readJson(request, ChainReportRequest);
  const told = context.chains.report(lease.task, {
    ...report,
    nodeId: lease.nodeId,
    address: { host, port },
  });
  const { place, failure } = told;
  await notePlace(context, lease, report);
  for (const { taskId, words } of told.moves) await context.store.addTaskEvent(taskId, "writing", words);
  const answered: ChainReportResponse = {
    place: place === null ? null : { ...place, upstreams: [...place.upstreams] },
    failure,
  };
  answer(response, answered);
}

/** When it has changed, and else now and then: a chain of hundreds must not write a row for each word. */
async function notePlace(
  context: GatewayContext,
  lease: Lease,
  report: Omit<ChainReportRequest, "host" | "port">,
): Promise<void> {
  const { rank, attachedTo, receivedBytes, sentBytes, writtenBytes, isDiskBehind } = report;
  const place = `${rank} ${attachedTo} ${isDiskBehind}`;
  const now = performance.now();
  if (rank < 0 || (place === lease.chainNote?.place && now - lease.chainNote.at < NOTE_MS)) return;
  lease.chainNote = { place, at: now };
  const noted = { rank, above: attachedTo, receivedBytes, sentBytes, writtenBytes, isDiskBehind };
  await context.store.noteChainPlace(lease.task.taskId, lease.leaseId, noted);
}

/** The request was an upgrade: from here on the chain's own messages. */
export function acceptChain(context: GatewayContext, lease: Lease, socket: Duplex): void {
  requireRestore(lease);
  socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: sheepfold-chain\r\n\r\n");
  context.chains.accept(lease.task, lease.nodeId, socket);
}

function requireRestore(lease: Lease): void {
  if (lease.message.kind !== "restore" || lease.message.chain === undefined)
    throw new CodedError("protocol-violation", "This task takes part in no chain.");
}
