// One step of the set growth in a process of its own, so that its memory is its own. Prints JSON.
// Usage: growth-step.ts fill DIR FIRST COUNT   archives COUNT distinct blocks, numbered from FIRST
//        growth-step.ts open DIR              opens for archiving; seconds, memory and what is stored
import { type ByteSource, openLocalDisk, openRepository } from "#lib/engine/repository.ts";

const BLOCK_BYTES = 4096;
/** 16 GB: an image that a PC could have. */
const IMAGE_BLOCKS_MAX = 4_000_000;
/** A page of blocks that no fill has made. */
const NEVER_FILLED = 2 ** 40;
const PROBE_BLOCKS = 64;

const [verb = "", folder = "", firstText = "0", countText = "0"] = process.argv.slice(2);
const result = verb === "fill" ? await fill(Number(firstText), Number(countText)) : await open();
process.stdout.write(JSON.stringify(result));

async function fill(first: number, count: number): Promise<{ seconds: number }> {
  const startedMs = performance.now();
  const storage = await openLocalDisk(folder);
  const repository = await openRepository({ storage, access: "write", owner: "bench" });
  for (let done = 0; done < count; ) {
    const blocks = Math.min(IMAGE_BLOCKS_MAX, count - done);
    const session = await repository.beginArchive({ node: `filler-${first + done}` });
    await session.archiveSource({ partition: "sda1" }, numberedBlocks(first + done, blocks));
    await session.commit();
    done += blocks;
  }
  await repository.close();
  return { seconds: (performance.now() - startedMs) / 1000 };
}

/** Zeros with a number in each block: every block is another one, and a thousand of them compress to nothing much, so
 *  that a repository of many blocks is made quickly and fits on a small disk. */
function numberedBlocks(first: number, count: number): ByteSource {
  return {
    sizeBytes: count * BLOCK_BYTES,
    async read(offsetBytes, into) {
      into.fill(0);
      const view = new DataView(into.buffer, into.byteOffset, into.byteLength);
      const block = first + offsetBytes / BLOCK_BYTES;
      // The number is never 0: a block of zeros is not stored.
      for (let at = 0; at < into.length; at += BLOCK_BYTES) view.setFloat64(at, block + at / BLOCK_BYTES + 1);
    },
  };
}

async function open() {
  const storage = await openLocalDisk(folder);
  const startedMs = performance.now();
  const repository = await openRepository({ storage, access: "write", threads: 0, owner: "bench" });
  // The index may be read only when an archive first asks for a block: then that belongs to opening.
  const session = await repository.beginArchive({ node: "nobody" });
  await session.archiveSource({ partition: "sda1" }, numberedBlocks(NEVER_FILLED, PROBE_BLOCKS));
  const seconds = (performance.now() - startedMs) / 1000;
  // Garbage of opening is not the index.
  globalThis.gc?.();
  const residentBytes = process.memoryUsage.rss();
  await session.abort();
  const { blockCount, storedBytes, indexBytes } = await repository.stats();
  await repository.close();
  return { seconds, residentBytes, blockCount, storedBytes, indexBytes };
}
