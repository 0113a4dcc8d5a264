// The evaluation against two judges: real archives, to the byte, and a computation so naive that it cannot be wrong.
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { parseCompression } from "#lib/model/compression.ts";
import { fillByteOf, PAGE_BYTES } from "#lib/page/page.ts";
import { type Bench, changed, joined, KIB, newBench, noise, PAGE, sourceOf } from "../test-bench.ts";
import type { EvaluationRequest, EvaluationRow, SnapshotRecord, Technique } from "../types.ts";
import { FingerprintMap } from "./fingerprint-map.ts";

const MIB = 1024 * KIB;
const NONE = { codec: "none", level: 0 } as const;
const COMPRESSIONS = ["none", "gzip", "zstd"].map((name) => parseCompression(name) ?? NONE);

/** A life: installed, changed here and there, a file moved, emptied, grown by an odd end, shrunk. */
function life(): Uint8Array[] {
  const zeros = new Uint8Array(2 * PAGE);
  const installed = joined(
    noise(5 * PAGE),
    zeros,
    noise(300 * KIB, 2),
    new Uint8Array(20 * KIB).fill(7),
    noise(PAGE, 3),
  );
  const used = changed(installed, 1, PAGE + 5000, 5 * PAGE + 3, installed.length - 1);
  const moved = joined(
    used.subarray(64 * KIB, 3 * PAGE),
    used.subarray(0, 64 * KIB),
    used.subarray(3 * PAGE),
  );
  const emptied = joined(zeros, moved.subarray(2 * PAGE));
  const grown = joined(emptied, installed.subarray(0, 2 * PAGE), noise(777, 4));
  return [installed, used, moved, emptied, grown, grown.subarray(0, 3 * PAGE + 12_345), grown];
}

async function archived(bench: Bench, images: readonly Uint8Array[]): Promise<SnapshotRecord[]> {
  const snapshots: SnapshotRecord[] = [];
  for (const bytes of images) snapshots.push(await bench.archive(bytes));
  return snapshots;
}

async function evaluated(images: readonly Uint8Array[], request: Omit<EvaluationRequest, "snapshots">) {
  const bench = await newBench();
  const snapshots = await archived(bench, images);
  const ids = snapshots.map(({ id }) => ({ snapshotId: id }));
  return bench.repository.evaluate({ ...request, snapshots: ids });
}

function rowOf(
  rows: readonly EvaluationRow[],
  technique: Technique,
  blockSize: number,
  codec: string,
  nth: number,
) {
  const ours = rows.filter(
    (row) => row.technique === technique && row.blockSize === blockSize && row.compression.codec === codec,
  );
  const row = ours.at(nth);
  if (row === undefined) throw new Error(`no row ${nth} of ${technique}, ${blockSize}, ${codec}`);
  return row;
}

describe("EV-1: to the byte what archiving makes", () => {
  for (const base of ["previous", "first"] as const) {
    for (const blockSize of [512, 4096, 65536]) {
      test(`blocks of ${blockSize}, base ${base}`, async () => {
        const images = life();
        const rows = await evaluated(images, { blockSizes: [blockSize], compressions: COMPRESSIONS, base });
        for (const technique of ["full", "diff", "repository"] as const) {
          for (const compression of COMPRESSIONS) {
            const bench = await newBench(blockSize);
            for (const [nth, bytes] of images.entries()) {
              const choice = technique === "diff" ? { base } : {};
              const session = await bench.repository.beginArchive({
                node: "pc-01",
                technique,
                compression,
                // Patches make archives smaller than the evaluation says.
                patches: false,
                ...choice,
              });
              await session.archiveSource({ partition: "sda1" }, sourceOf(bytes));
              await session.commit();
              const stats = await bench.repository.stats();
              const row = rowOf(rows, technique, blockSize, compression.codec, nth);
              const where = `${technique}, ${compression.codec}, snapshot ${nth}`;
              expect(row.dataBytes, where).toBe(stats.compressedBytes);
              // Snapshot files hold times and counters, of which a few digits may differ.
              const real = stats.dataPackBytes + stats.nodePackBytes + stats.snapshotBytes;
              expect(Math.abs(row.totalBytes - real), where).toBeLessThanOrEqual(16 * (nth + 1));
              expect(row.totalBytes, where).toBe(row.dataBytes + row.metadataBytes);
            }
          }
        }
      });
    }
  }
});

/** Bytes of block data without compression after all images. */
function naiveBytes(images: readonly Uint8Array[], technique: Technique, blockSize: number): number {
  const pageBytes = Math.max(PAGE_BYTES, blockSize);
  const seen = new Set<string>();
  let sum = 0;
  for (const [nth, image] of images.entries()) {
    for (let page = 0; page < image.length; page += pageBytes) {
      const pageEnd = Math.min(page + pageBytes, image.length);
      const whole = image.subarray(page, pageEnd);
      if (fillByteOf(whole) !== null) continue;
      if (technique === "full" || (technique === "diff" && nth === 0)) {
        sum += whole.length;
        continue;
      }
      for (let at = page; at < pageEnd; at += blockSize) {
        const block = image.subarray(at, Math.min(at + blockSize, pageEnd));
        if (fillByteOf(block) !== null) continue;
        const other = images[nth - 1]?.subarray(at, at + blockSize);
        const key = createHash("sha256").update(block).digest("hex");
        const isKnown =
          technique === "diff" ? other !== undefined && Buffer.compare(block, other) === 0 : seen.has(key);
        if (!isKnown) sum += block.length;
        seen.add(key);
      }
    }
  }
  return sum;
}

test("EV-1: every block size from 512 bytes to 4 MiB stores what a naive count says", async () => {
  const images = life().concat([joined(...life().slice(0, 3))]);
  const rows = await evaluated(images, { compressions: [NONE] });
  const blockSizes = new Set(rows.map((row) => row.blockSize));
  expect([Math.min(...blockSizes), Math.max(...blockSizes), blockSizes.size]).toEqual([512, 4 * MIB, 14]);
  for (const blockSize of blockSizes) {
    for (const technique of ["full", "diff", "repository"] as const) {
      const where = `${technique}, blocks of ${blockSize}`;
      const row = rowOf(rows, technique, blockSize, "none", -1);
      expect(row.dataBytes, where).toBe(naiveBytes(images, technique, blockSize));
    }
  }
  expect(rows.length).toBe(images.length * 14 * 3);
  for (const row of rows) expect(row.incrementBytes).toBeGreaterThan(0);
});

test("a file moved by whole blocks costs a diff its size, and the repository only pointers", async () => {
  const system = noise(4 * PAGE);
  const file = noise(2 * PAGE, 9);
  const free = new Uint8Array(2 * PAGE);
  const before = joined(system, file, free);
  const after = joined(system, free, file);
  const shifted = joined(system, free.subarray(0, PAGE + 12 * KIB), file, free.subarray(0, PAGE - 12 * KIB));
  for (const next of [after, shifted]) {
    const rows = await evaluated([before, next], { blockSizes: [4096], compressions: [NONE] });
    const increment = (technique: Technique) => rowOf(rows, technique, 4096, "none", 1).incrementBytes;
    expect(increment("diff")).toBeGreaterThanOrEqual(file.length - PAGE);
    expect(increment("repository")).toBeLessThan(3 * KIB);
    expect(increment("full")).toBeGreaterThan(6 * PAGE);
  }
});

test("localized clones cost the repository almost nothing; full images, all again", async () => {
  const master = joined(noise(16 * PAGE), new Uint8Array(4 * PAGE));
  const bench = await newBench();
  const clones = Array.from({ length: 10 }, (_, clone) => changed(master, 100 + clone, 9 * PAGE + 7 * clone));
  const snapshots = [await bench.archive(master, "master")];
  for (const [number, bytes] of clones.entries()) snapshots.push(await bench.archive(bytes, `pc-${number}`));
  const rows = await bench.repository.evaluate({
    snapshots: snapshots.map(({ id }) => ({ snapshotId: id })),
    blockSizes: [4096],
  });
  const total = (technique: Technique, nth: number) => rowOf(rows, technique, 4096, "zstd", nth).totalBytes;
  expect(total("repository", -1)).toBeLessThan(1.1 * total("repository", 0));
  expect(total("full", -1)).toBeGreaterThan(10.9 * total("full", 0));
});

test("EV-1: with threads every compression is that of the bytes, not of what another compression left", async () => {
  const bench = await newBench(4096, { threads: 2 });
  // Compressible, so that payloads are shorter than what they are made of.
  const text = Buffer.from(
    Array.from({ length: 60_000 }, (_, line) => `line ${line}: ${(line * 7919) % 1013}\n`).join(""),
  );
  const snapshots = (await archived(bench, [joined(text, noise(PAGE)), text])).map(({ id }) => ({
    snapshotId: id,
  }));
  const together = await bench.repository.evaluate({
    snapshots,
    blockSizes: [4096],
    compressions: COMPRESSIONS,
  });
  for (const compression of COMPRESSIONS) {
    const alone = await bench.repository.evaluate({
      snapshots,
      blockSizes: [4096],
      compressions: [compression],
    });
    expect(together.filter((row) => row.compression.codec === compression.codec)).toEqual(alone);
  }
  await bench.repository.close();
});

describe("asking", () => {
  test("EV-2: evaluating writes nothing, and needs no lock", async () => {
    const bench = await newBench();
    const [snapshot] = await archived(bench, [noise(3 * PAGE)]);
    await bench.reopen({ access: "read" });
    const before = await bench.storage.list("");
    const done: number[] = [];
    const onProgress = ({ doneBytes }: { doneBytes: number }) => done.push(doneBytes);
    const id = snapshot?.id ?? "";
    const snapshots = [{ snapshotId: id, partition: "sda1" }];
    await bench.repository.evaluate({ snapshots, blockSizes: [4096] }, { onProgress });
    expect(done).toEqual([3 * PAGE]);
    expect(await bench.storage.list("")).toEqual(before);
  });

  test("what cannot be evaluated is refused by name; Ctrl-C ends it", async () => {
    const bench = await newBench();
    const [snapshot] = await archived(bench, [noise(PAGE)]);
    const snapshots = [{ snapshotId: snapshot?.id ?? "" }];
    const refused = (request: EvaluationRequest, code: string) =>
      expect(bench.repository.evaluate(request)).rejects.toMatchObject({ code });
    await refused({ snapshots: [] }, "input-invalid");
    await refused({ snapshots: [{ snapshotId: "snap_no" }] }, "snapshot-unknown");
    await refused({ snapshots: [{ snapshotId: snapshot?.id ?? "", partition: "sdz" }] }, "input-invalid");
    await refused({ snapshots, blockSizes: [4095] }, "input-invalid");
    await refused({ snapshots, blockSizes: [8 * MIB] }, "input-invalid");
    await refused({ snapshots, compressions: [{ codec: "gzip", level: 10 }] }, "input-invalid");
    const signal = AbortSignal.abort();
    await expect(bench.repository.evaluate({ snapshots }, { signal })).rejects.toMatchObject({
      code: "job-cancelled",
    });
  });
});

test("the fingerprint map gives back what was put in, through every growth", () => {
  const digestOf = (number: number) => createHash("sha256").update(String(number)).digest();
  const map = new FingerprintMap();
  for (let number = 0; number < 10_000; number++) map.set(digestOf(number), number);
  map.set(digestOf(5), 55);
  expect(map.count).toBe(10_000);
  for (let number = 0; number < 10_000; number++) {
    expect(map.get(digestOf(number))).toBe(number === 5 ? 55 : number);
  }
  expect(map.get(digestOf(10_001))).toBe(-1);
});

describe("an interrupted evaluation", () => {
  test("goes on with the block size it was in, and ends with the same rows in the same order", async () => {
    const bench = await newBench();
    const snapshots = (await archived(bench, life())).map(({ id }) => ({ snapshotId: id }));
    // One snapshot named twice must not mix up whose rows are whose.
    const request = {
      snapshots: [...snapshots, ...snapshots.slice(0, 1)],
      blockSizes: [65536, 512, 4096],
      compressions: COMPRESSIONS,
    };
    const whole = await bench.repository.evaluate(request);
    const kept: EvaluationRow[] = [];
    const stop = new AbortController();
    const interrupted = bench.repository.evaluate(request, {
      signal: stop.signal,
      onRows: async (rows) => {
        kept.push(...rows);
        if (kept.length > rows.length) stop.abort();
      },
    });
    await expect(interrupted).rejects.toThrow();
    expect(new Set(kept.map((row) => row.blockSize))).toEqual(new Set([65536, 512]));
    const made: EvaluationRow[] = [];
    const progress: number[] = [];
    const resumed = await bench.repository.evaluate(request, {
      known: kept,
      onRows: async (rows) => void made.push(...rows),
      onProgress: ({ doneBytes, totalBytes }) => progress.push(doneBytes / totalBytes),
    });
    expect(new Set(made.map((row) => row.blockSize))).toEqual(new Set([4096]));
    expect(resumed).toEqual(whole);
    expect(progress[0]).toBeCloseTo(1 / 3);
    expect(progress.at(-1)).toBe(1);
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
  });

  test("rows of a block size that are not all there are computed again", async () => {
    const bench = await newBench();
    const [first] = await archived(bench, life().slice(0, 1));
    const request = { snapshots: [{ snapshotId: first?.id ?? "" }], blockSizes: [4096] };
    const whole = await bench.repository.evaluate(request);
    let asked = 0;
    const onRows = async () => {
      asked += 1;
    };
    expect(await bench.repository.evaluate(request, { known: whole.slice(1), onRows })).toEqual(whole);
    expect(asked).toBe(1);
  });
});
