// Steps that read as servers of disks and evaluations do: any bytes of an image in any order, and sums over snapshots.
import { PAGE_BYTES } from "#lib/page/page.ts";
import { SEAL_BYTES } from "../encryption/aead.ts";
import { ImageBytes } from "../repository.ts";
import { claim } from "./model-repository.ts";
import { anyImage } from "./restoring.ts";
import { claimSame, type World } from "./world.ts";

/** Ranges of all sizes, many at once, compared with the model; what is said to be zero is zero. */
export async function readRanges(world: World): Promise<string> {
  const wanted = anyImage(world);
  if (wanted === null) return "nothing to read";
  const { bytes } = wanted;
  const { chance } = world;
  const reader = await world.repository.openImage(wanted.snapshot.id, wanted.partition);
  try {
    const image = new ImageBytes(reader, { pagesKept: chance.pick([1, 4, 256]) });
    const ranges = Array.from({ length: chance.between(1, 8) }, () => {
      const from = chance.between(0, bytes.length - 1);
      return { from, to: Math.min(bytes.length, from + chance.smallBetween(1, 600_000)) };
    });
    const ends = await Promise.allSettled(
      ranges.map(async ({ from, to }) => {
        const into = new Uint8Array(to - from);
        await image.read(from, into);
        claimSame(into, bytes.subarray(from, to), `bytes ${from} to ${to}`);
      }),
    );
    for (const end of ends) if (end.status === "rejected") throw end.reason;
    await checkZeroRuns(image, bytes);
    return `${ranges.length} ranges`;
  } finally {
    reader.close();
  }
}

async function checkZeroRuns(image: ImageBytes, bytes: Uint8Array): Promise<void> {
  let at = 0;
  for (const run of await image.zeroRuns(0, bytes.length, 1000)) {
    const part = bytes.subarray(at, at + run.lengthBytes);
    claim(!run.zero || part.every((byte) => byte === 0), `bytes from ${at} on are called zero`);
    at += run.lengthBytes;
  }
  claim(at === bytes.length, `zero runs end at byte ${at} of ${bytes.length}`);
}

/** What a snapshot would cost otherwise: sums that fit each other, and nothing written. */
export async function evaluateAny(world: World): Promise<string> {
  const wanted = anyImage(world);
  if (wanted === null) return "nothing to evaluate";
  const filesBefore = JSON.stringify(await world.disk.list(""));
  const rows = await world.repository.evaluate({
    snapshots: [{ snapshotId: wanted.snapshot.id, partition: wanted.partition }],
    blockSizes: [world.blockSize],
    compressions: [{ codec: "none", level: 0 }],
  });
  claim(rows.length > 0, "an evaluation without a row");
  const sealBytes = world.repository.info.isEncrypted ? SEAL_BYTES : 0;
  // No page makes more than one segment.
  const segmentCountMax = Math.ceil(wanted.bytes.length / PAGE_BYTES);
  const bytesMax = wanted.bytes.length + sealBytes * segmentCountMax;
  for (const row of rows) {
    claim(row.totalBytes === row.dataBytes + row.metadataBytes, "an evaluation's sum does not fit");
    claim(row.dataBytes <= bytesMax, `${row.dataBytes} of ${wanted.bytes.length} bytes evaluated`);
  }
  claim(JSON.stringify(await world.disk.list("")) === filesBefore, "an evaluation changed the repository");
  return `${rows.length} rows`;
}
