// A page that was damaged, on a line, in a neighbour's memory or on a relay's disk, never gets any further.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { chainTag, PageSpace } from "#lib/chain/page-space.ts";
import { hashPage, PAGE_BYTES, pageCountOf } from "#lib/page/page.ts";
import { encodeFill, encodePage } from "#lib/protocol/frames.ts";
import { hashesOf, type MemoryRestore, memoryRestore } from "../tasks/test-memory-restore.ts";
import { noise } from "../test-disk.ts";
import { ChainDisk } from "./chain-disk.ts";

const CHAIN = "chain_1";
const PAGES = 3;
let wanted: Buffer;
let present: Buffer;
let memory: MemoryRestore;
let disk: ChainDisk;

beforeEach(() => {
  wanted = noise(1, PAGES * PAGE_BYTES);
  wanted.fill(0, 2 * PAGE_BYTES);
  present = noise(2, PAGES * PAGE_BYTES);
  memory = memoryRestore(wanted, present);
  const hashes = hashesOf(wanted, 0, pageCountOf(wanted.length));
  disk = new ChainDisk(CHAIN, new PageSpace([memory.image]), hashes, [memory.restore]);
});
afterEach(() => memory.close());

const pageOf = (page: number) => wanted.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
const header = (page: number, bytes: Uint8Array) => ({
  imageTag: chainTag(CHAIN, 0),
  pageIndex: page,
  lengthBytes: bytes.length,
  contentHash: hashPage(bytes),
});

test("a good page is opened, written and can be read for the next neighbour, frame by frame the same content", async () => {
  const opened = await disk.open(await encodePage(header(1, pageOf(1)), pageOf(1)));
  expect(opened?.page).toBe(1);
  if (opened === null) return;
  await disk.write(1, opened.content);
  const again = await disk.read(1);
  expect(await disk.open(again?.frame ?? Buffer.alloc(0))).toMatchObject({ page: 1 });
});

describe("never taken", () => {
  test("a page with one bit flipped, even when its frame's own hash fits it", async () => {
    const bytes = Buffer.from(pageOf(1));
    bytes[77] = (bytes[77] ?? 0) ^ 1;
    expect(await disk.open(await encodePage(header(1, bytes), bytes))).toBeNull();
  });

  test("a good page under another page's number", async () => {
    expect(await disk.open(await encodePage(header(0, pageOf(1)), pageOf(1)))).toBeNull();
  });

  const HOSTILE: readonly [string, () => Promise<Buffer>][] = [
    [
      "a page of another chain",
      async () => encodePage({ ...header(1, pageOf(1)), imageTag: chainTag("other", 0) }, pageOf(1)),
    ],
    ["a page beyond the image", async () => encodePage(header(PAGES, pageOf(1)), pageOf(1))],
    ["a shorter page", async () => encodePage(header(1, pageOf(1).subarray(1)), pageOf(1).subarray(1))],
    ["half a frame", async () => (await encodePage(header(1, pageOf(1)), pageOf(1))).subarray(0, 1000)],
    ["a fill of another length", async () => encodeFill({ ...header(2, pageOf(2)), lengthBytes: 5 }, 0)],
  ];
  for (const [what, make] of HOSTILE) {
    test(what, async () => {
      await expect(disk.open(await make())).rejects.toMatchObject({ code: "protocol-violation" });
    });
  }
});

test("what is wrong on the own disk is not read for a neighbour", async () => {
  expect(await disk.read(1)).toBeNull();
  pageOf(1).copy(present, PAGE_BYTES);
  expect(await disk.read(1)).not.toBeNull();
  present[PAGE_BYTES + 5] = (present[PAGE_BYTES + 5] ?? 0) ^ 1;
  expect(await disk.read(1)).toBeNull();
});

test("pages that shall be zeros are made so by looking, unless looking is all that was asked for", async () => {
  expect(await disk.scan(0, PAGES, false)).toMatchObject({ isThere: [false, false, false] });
  expect(memory.deeds).toEqual([]);
  expect(await disk.scan(0, PAGES, true)).toMatchObject({ isThere: [false, false, true] });
  expect(present.subarray(2 * PAGE_BYTES).equals(Buffer.alloc(PAGE_BYTES))).toBe(true);
});

describe("what lies elsewhere on the disk", () => {
  test("is found where it is now, and read from there as the page it shall be", async () => {
    pageOf(1).copy(present, 0);
    const { elsewhere } = await disk.scan(0, 1, true);
    expect(elsewhere).toEqual([{ page: 1, from: 0 }]);
    const copy = await disk.copyOf(1, 0);
    expect(await disk.open(copy?.frame ?? Buffer.alloc(0))).toMatchObject({ page: 1 });
  });

  test("is not taken when it has been written over since", async () => {
    pageOf(1).copy(present, 0);
    await disk.scan(0, 1, true);
    present[3] = (present[3] ?? 0) ^ 1;
    expect(await disk.copyOf(1, 0)).toBeNull();
  });

  test("pages of the same content are known to be, zeros left out", async () => {
    pageOf(0).copy(wanted, PAGE_BYTES);
    const hashes = hashesOf(wanted, 0, PAGES);
    const twin = new ChainDisk(CHAIN, new PageSpace([memory.image]), hashes, [memory.restore]);
    expect((await twin.scan(0, PAGES, false)).elsewhere).toEqual([
      { page: 0, from: 1 },
      { page: 1, from: 0 },
    ]);
  });
});
