// An image of blocks that no repository has: the first half of each block cannot be compressed, the second is zeros. The
// same for a name in each run. For measurements that need something new each time.
import { createCipheriv, createHash } from "node:crypto";
import { open } from "node:fs/promises";

const BLOCK_BYTES = 4096;
const CHUNK_BYTES = 2 ** 20;

/** `sizeBytes` in whole MiB. */
export async function writeFreshImage(path: string, name: string, sizeBytes: number): Promise<void> {
  const key = createHash("sha256").update(`fresh image ${name}`).digest();
  const noise = createCipheriv("aes-256-ctr", key, Buffer.alloc(16));
  const zeros = Buffer.alloc(CHUNK_BYTES);
  const handle = await open(path, "w");
  try {
    for (let offset = 0; offset < sizeBytes; offset += CHUNK_BYTES) {
      const chunk = noise.update(zeros);
      for (let at = 0; at < chunk.length; at += BLOCK_BYTES)
        chunk.fill(0, at + BLOCK_BYTES / 2, at + BLOCK_BYTES);
      await handle.write(chunk, 0, chunk.length, offset);
    }
  } finally {
    await handle.close();
  }
}
