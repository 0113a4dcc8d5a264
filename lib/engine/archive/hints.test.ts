// Changed-block hints: what they spare is not read, what they get wrong is found, what does not fit is refused.
import { describe, expect, test } from "vitest";
import { hintsFinding } from "../repository.ts";
import { changed, joined, newBench, noise, PAGE } from "../test-bench.ts";
import type { ChangeHints, SourceOptions } from "../types.ts";

const PAGES = 700;
/** Pages of data, of zeros and of another byte, and a short one at the end. */
const disk = joined(
  noise(500 * PAGE),
  new Uint8Array(150 * PAGE),
  new Uint8Array(49 * PAGE).fill(7),
  noise(PAGE - 300, 5),
);

async function archivedOnce() {
  const bench = await newBench();
  const first = await bench.archive(disk);
  const archive = async (bytes: Uint8Array, hints?: ChangeHints, options: SourceOptions = {}) => {
    const readPages = new Set<number>();
    const source = {
      sizeBytes: bytes.length,
      read: async (at: number, into: Uint8Array) => {
        for (let page = Math.floor(at / PAGE); page * PAGE < at + into.length; page++) readPages.add(page);
        into.set(bytes.subarray(at, at + into.length));
      },
    };
    const session = await bench.repository.beginArchive({ node: "pc-01" });
    try {
      const image = await session.archiveSource({ partition: "sda1", details: { kept: "too" } }, source, {
        ...options,
        changed: hints,
      });
      return { image, readPages, snapshot: await session.commit() };
    } catch (error) {
      await session.abort();
      throw error;
    }
  };
  return { bench, first, archive };
}

const range = (offsetBytes: number, lengthBytes: number) => ({ offsetBytes, lengthBytes });
const differing = changed(disk, 10 * PAGE, 12 * PAGE + 5, 400 * PAGE - 1, disk.length - 1);
const right = [
  range(10 * PAGE, 1),
  range(11 * PAGE, 2 * PAGE),
  range(400 * PAGE - 1, 1),
  range(disk.length - 1, 1),
];

describe("what hints spare", () => {
  test("HN-1: only hinted pages and the sample are read, and the record is that of an archive without hints", async () => {
    const { bench, first, archive } = await archivedOnce();
    const progress: number[] = [];
    const { image, readPages, snapshot } = await archive(
      differing,
      { ranges: right, since: first.id },
      { onProgress: ({ doneBytes }) => progress.push(doneBytes) },
    );
    for (const page of [10, 11, 12, 399, PAGES - 1]) expect(readPages.has(page)).toBe(true);
    expect(readPages.size).toBe(5 + 16);
    expect(image.details).toEqual({
      kept: "too",
      hints: "used",
      hintsUnreadPages: `${PAGES - 5}`,
      hintsSampledPages: "16",
      hintsRun: "1",
    });
    expect(hintsFinding(image)).toBeNull();
    expect(Buffer.compare(await bench.restored(snapshot), differing)).toBe(0);
    expect(progress.at(-1)).toBe(disk.length);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
    expect((await bench.repository.verify()).findings).toEqual([]);

    const plain = await archivedOnce();
    const { image: expected } = await plain.archive(differing);
    expect({ ...image, details: {} }).toEqual({ ...expected, details: {} });
  });

  test("HN-1: hints of nothing read nothing but the sample; the image is the parent's, node by node", async () => {
    const { archive, first } = await archivedOnce();
    const { image, readPages } = await archive(disk, { ranges: [] });
    expect(readPages.size).toBe(16);
    expect(image).toMatchObject({ contentRoot: first.images[0]?.contentRoot, newBytes: 0, storedBytes: 0 });
  });

  test("HN-2: the sample is another one each time", async () => {
    const { archive } = await archivedOnce();
    const samples = [];
    for (let round = 0; round < 3; round++)
      samples.push([...(await archive(disk, { ranges: [] })).readPages].join());
    expect(new Set(samples).size).toBeGreaterThan(1);
  });
});

describe("what hints get wrong", () => {
  test("HN-2: a sampled page that differs voids them: everything is read, and the record says so", async () => {
    const { bench, archive } = await archivedOnce();
    const other = noise(disk.length, 77); // Every page differs: any sample finds it.
    const { image, readPages, snapshot } = await archive(other, { ranges: right });
    expect(readPages.size).toBe(PAGES);
    expect(image.details).toMatchObject({ hints: "wrong", hintsUnreadPages: "0", hintsRun: "0" });
    expect(hintsFinding(image)).toContain("Everything was read, and the image is right");
    expect(Buffer.compare(await bench.restored(snapshot), other)).toBe(0);
  });

  test("HN-3: at last an archive reads everything, finds the one page no sample met, and counts anew", async () => {
    const { bench, archive } = await archivedOnce();
    const missed = changed(disk, 300 * PAGE);
    const outcomes: (string | undefined)[] = [];
    let last = await archive(disk, { ranges: [], readAllEvery: 3 });
    outcomes.push(last.image.details.hints);
    last = await archive(disk, { ranges: [], readAllEvery: 3 });
    outcomes.push(last.image.details.hints);
    last = await archive(missed, { ranges: [], readAllEvery: 3 });
    outcomes.push(last.image.details.hints);
    expect(last.image.details.hintsWrongPage).toBe("300");
    expect(Buffer.compare(await bench.restored(last.snapshot), missed)).toBe(0);
    last = await archive(missed, { ranges: [], readAllEvery: 3 });
    outcomes.push(last.image.details.hints);
    expect(outcomes).toEqual(["used", "used", "wrong", "used"]);
    expect((await archive(missed, { ranges: [], readAllEvery: 1 })).image.details.hints).toBe("right");
  });

  test("HN-2: pages in a damaged pack are read whatever the hints say, so that the archive heals", async () => {
    const { bench, first, archive } = await archivedOnce();
    const [pack] = await bench.storage.list("packs");
    bench.storage.flipBit(pack?.name ?? "", 8 * 3000);
    expect((await bench.repository.scrub({ deep: true })).findings).toHaveLength(1);
    const { snapshot } = await archive(disk, { ranges: [] });
    await expect(bench.restored(first)).rejects.toMatchObject({ code: "pack-corrupt" });
    expect(Buffer.compare(await bench.restored(snapshot), disk)).toBe(0);
  });
});

describe("what does not fit", () => {
  test("HN-4: without a parent, of another size, or since another snapshot", async () => {
    const { bench, first, archive } = await archivedOnce();
    await expect(archive(disk.subarray(0, disk.length - 1), { ranges: [] })).rejects.toMatchObject({
      code: "input-invalid",
      message: expect.stringContaining("its earlier image"),
    });
    await archive(differing);
    await expect(archive(disk, { ranges: [], since: first.id })).rejects.toMatchObject({
      code: "input-invalid",
      message: expect.stringContaining(`since ${first.id}`),
    });
    const session = await bench.repository.beginArchive({ node: "pc-02" });
    const source = { sizeBytes: disk.length, read: async () => undefined };
    const orphan = session.archiveSource({ partition: "sda1" }, source, { changed: { ranges: [] } });
    await expect(orphan).rejects.toMatchObject({ message: expect.stringContaining("no earlier image") });
    const full = session.archiveSource({ partition: "sda2", technique: "full" }, source, {
      changed: { ranges: [] },
    });
    await expect(full).rejects.toMatchObject({ message: expect.stringContaining("no earlier image") });
    await session.abort();
  });

  test("HN-4: ranges out of order, out of bounds or out of their mind", async () => {
    const { archive } = await archivedOnce();
    for (const ranges of [
      [range(10, 5), range(14, 5)],
      [range(100, 5), range(10, 5)],
      [range(-1, 5)],
      [range(disk.length - 1, 2)],
      [range(disk.length, 1)],
      [range(5, 0)],
      [range(5, -3)],
      [range(0.5, 10)],
      [range(0, Number.NaN)],
      [range(Number.MAX_SAFE_INTEGER, 2)],
    ]) {
      await expect(archive(disk, { ranges })).rejects.toMatchObject({
        code: "input-invalid",
        message: expect.stringContaining("Changed range"),
      });
    }
    const { image } = await archive(disk, { ranges: [range(0, 5), range(5, 5), range(disk.length - 1, 1)] });
    expect(image.details.hints).toBe("used");
  });
});
