// Pages coming in: offer (which of these hashes do you want?), pages (here they are), finish (that was all of this image).
import type { ImageWriter } from "#lib/engine/repository.ts";
import { CodedError } from "#lib/model/errors.ts";
import { PAGE_BYTES, pageLength, sameHash } from "#lib/page/page.ts";
import { type Frame, framesOf, imageTag, pageOf } from "#lib/protocol/frames.ts";
import { finishImage, type OpenArchive, plannedImage, writerOf } from "../archive-sessions.ts";
import type { GatewayContext } from "../context.ts";
import { type Exchange, wholeNumber } from "../exchange.ts";
import { answer, bodyOf, readHashes, statusOf } from "../http.ts";
import { type Lease, leaseLost } from "../leases.ts";

export async function offerRoute(
  context: GatewayContext,
  { request, response, query }: Exchange,
  lease: Lease,
  image: number,
): Promise<void> {
  const archive = archiveOf(context, lease);
  const firstPage = wholeNumber(query.get("first"));
  if (firstPage === null) throw new CodedError("protocol-violation", "An offer must say its first page.");
  const hashes = await readHashes(request);
  const writer = await writerOf(archive, image);
  lease.ended.signal.throwIfAborted();
  try {
    answer(response, { wanted: writer.offer(firstPage, hashes) });
  } catch (thrown) {
    if (!archive.resumed) throw thrown;
    await beginAnew(context, lease);
  }
}

export async function pagesRoute(
  context: GatewayContext,
  { request, response }: Exchange,
  lease: Lease,
  image: number,
): Promise<void> {
  const archive = archiveOf(context, lease);
  const { diskSerial, partition, sizeBytes } = plannedImage(archive, image).message;
  const tag = imageTag(archive.session.snapshotId, diskSerial, partition);
  const writer = await writerOf(archive, image);
  // One page at a time per request: the engine's own bound on what it holds is the back-pressure the agent feels.
  for await (const frame of framesOf(bodyOf(request))) {
    lease.ended.signal.throwIfAborted();
    lease.lastHeardMs = Date.now();
    const fits = sameHash(frame.imageTag, tag) && frame.pageIndex * PAGE_BYTES < sizeBytes;
    if (!fits || frame.lengthBytes !== pageLength(sizeBytes, frame.pageIndex)) {
      throw new CodedError("protocol-violation", `A page was sent that does not belong to ${partition}.`);
    }
    await putOrRemember(archive, writer, frame);
  }
  answer(response, {});
}

export async function finishImageRoute(
  context: GatewayContext,
  { request, response }: Exchange,
  lease: Lease,
  image: number,
): Promise<void> {
  request.resume();
  const record = await finishImage(archiveOf(context, lease), image);
  answer(response, { contentRoot: record.contentRoot });
}

/** A repository that cannot take a page (full, failing) cannot take the snapshot: the agent is told at its next request, too,
 *  in case this answer does not reach it. */
async function putOrRemember(archive: OpenArchive, writer: ImageWriter, frame: Frame): Promise<void> {
  const page = await pageOf(frame);
  try {
    await writer.put(frame.pageIndex, page);
  } catch (thrown) {
    const agentsFault = thrown instanceof CodedError && statusOf(thrown.code) === 400;
    if (!agentsFault) archive.failure ??= { reason: thrown };
    throw thrown;
  }
}

function archiveOf(context: GatewayContext, lease: Lease): OpenArchive {
  if (lease.message.kind !== "archive") {
    throw new CodedError("protocol-violation", "This task does not archive.");
  }
  const archive = context.archives.require(lease.task.taskId);
  if (archive.failure !== null) throw archive.failure.reason;
  return archive;
}

/** The disk changed since an earlier lease offered it, and the engine keeps what it has once settled: start over. Nothing
 *  is lost by it but the pages' second journey, since their blocks are already stored. */
async function beginAnew(context: GatewayContext, lease: Lease): Promise<never> {
  const { taskId } = lease.task;
  context.leases.end(taskId);
  await context.archives.abort(taskId);
  await context.store.loseAgent(taskId, lease.leaseId);
  throw leaseLost(taskId);
}
