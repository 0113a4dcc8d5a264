import { expect, test } from "vitest";
import { contentRootOf } from "#lib/page/content-root.ts";
import { hashPage, PAGE_BYTES, PAGE_HASH_BYTES, pageCountOf } from "#lib/page/page.ts";
import { volumeImage } from "./volume-image.ts";

/** The same by reading the whole partition as one. */
function rootOf(partition: Buffer): string {
  const hashes = new Uint8Array(pageCountOf(partition.length) * PAGE_HASH_BYTES);
  for (let index = 0; index * PAGE_BYTES < partition.length; index += 1)
    hashes.set(
      hashPage(partition.subarray(index * PAGE_BYTES, (index + 1) * PAGE_BYTES)),
      index * PAGE_HASH_BYTES,
    );
  return Buffer.from(contentRootOf(hashes, partition.length)).toString("hex");
}

for (const [which, volumeBytes, partitionBytes] of [
  ["as large as the volume", 3 * PAGE_BYTES, 3 * PAGE_BYTES],
  ["that ends within the volume's last page", 3 * PAGE_BYTES - 1024, 3 * PAGE_BYTES - 512],
  ["of many more pages than the volume", 3 * PAGE_BYTES - 1024, 9 * PAGE_BYTES + 512],
] as const) {
  test(`a partition ${which} holds the volume and zeros behind it`, async () => {
    const volume = Buffer.alloc(volumeBytes);
    volume.write("beginning");
    volume.write("end", volumeBytes - 3);
    const partition = Buffer.concat([volume, Buffer.alloc(partitionBytes - volumeBytes)]);
    const image = volumeImage(volume, partitionBytes);
    expect(image.contentRoot).toBe(rootOf(partition));
    const read = Buffer.alloc(partitionBytes, 0xff);
    const all = Array.from({ length: pageCountOf(partitionBytes) }, (_, index) => index);
    await image.readPages(all, async ({ index, contentHash }, bytes) => {
      expect(Buffer.from(contentHash).equals(hashPage(bytes))).toBe(true);
      read.set(bytes, index * PAGE_BYTES);
    });
    expect(read.equals(partition)).toBe(true);
    expect((await image.pageRecords(0, 100)).map(({ fillByte }) => fillByte === 0)).toEqual(
      all.map((index) => index !== 0 && index !== 2),
    );
  });
}
