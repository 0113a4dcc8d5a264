// Partitions filled through the chain, then finished as every restore is: the first page last, flushed, read back. Whatever the
// chain cannot give, the gateway does: what is right already is not sent again.
import { PageSpace } from "#lib/chain/page-space.ts";
import { CodedError } from "#lib/model/errors.ts";
import {
  type ChainOffer,
  ChainReportResponse,
  type ImageResult,
  type RestoreImage,
} from "#lib/protocol/control.ts";
import type { ImageRestore } from "../tasks/restore-image.ts";
import type { TaskContext } from "../tasks/task-context.ts";
import { ChainDisk, fetchHashes } from "./chain-disk.ts";
import { ChainBroken, ChainRun, type ChainServer } from "./chain-run.ts";

export interface Part {
  readonly image: RestoreImage;
  readonly restore: ImageRestore;
}

export async function throughChain(
  context: TaskContext,
  offer: ChainOffer,
  parts: readonly Part[],
): Promise<ImageResult[]> {
  const space = new PageSpace(parts.map(({ image }) => image));
  const hashes = await fetchHashes(context, space);
  const restores = parts.map(({ restore }) => restore);
  const disk = new ChainDisk(offer.chainId, space, hashes, restores);
  const run = new ChainRun({
    offer,
    store: disk,
    server: serverOf(context),
    signal: context.signal,
    onPage: (lengthBytes) => {
      context.progress.doneBytes += lengthBytes;
    },
  });
  try {
    const firstPages = await run.fill();
    const results: ImageResult[] = [];
    for (const [position, restore] of restores.entries()) {
      results.push(await finish(restore, firstPages.get(space.pageAt(position, 0))?.bytes ?? null));
    }
    await run.serve();
    return results;
  } catch (thrown) {
    if (!(thrown instanceof ChainBroken) || context.signal.aborted) throw thrown;
    await run.close();
    return await fromGateway(restores);
  } finally {
    await run.close();
    context.progress.chain = run.traffic;
  }
}

function serverOf({ client, leaseId, taskId, signal }: TaskContext): ChainServer {
  return {
    get localAddress() {
      return client.localAddress;
    },
    connect: () => client.upgrade(`tasks/${taskId}/chain`, leaseId),
    report: (report) =>
      client.call(`tasks/${taskId}/chain/report`, report, ChainReportResponse, { leaseId, signal }),
  };
}

/** A page that reads back wrong is compared and fetched once more; if the disk goes on lying, that says so. */
async function finish(restore: ImageRestore, firstPage: Uint8Array | null): Promise<ImageResult> {
  try {
    return await restore.finish(firstPage);
  } catch (thrown) {
    if (!(thrown instanceof CodedError) || thrown.code !== "page-corrupt") throw thrown;
    return restore.run();
  }
}

async function fromGateway(restores: readonly ImageRestore[]): Promise<ImageResult[]> {
  const results: ImageResult[] = [];
  for (const restore of restores) results.push(await restore.run());
  return results;
}
