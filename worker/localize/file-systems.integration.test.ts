// Tokens on real file systems: as a PC's partition they pass their own checkers, and a kernel reads in every file what should stand
// there. Needs root for mounts; FAT is mounted by a Linux of its own, since not every kernel has it.
import { mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SnapshotRecord } from "#lib/engine/repository.ts";
import { checkMaster, type Rendered, render } from "#lib/localize/render.ts";
import type { Encoding, LocalizationContent, TokenScan } from "#lib/model/localization.ts";
import { PAGE_BYTES } from "#lib/page/page.ts";
import { openLocalizedImages } from "./localize-images.ts";
import { scanSnapshot } from "./scan-snapshot.ts";
import {
  type Archive,
  type Files,
  makeExt4,
  makeFat32,
  makeNtfs,
  makeUnknown,
  masterFiles,
  openArchive,
  replaced,
  writeOut,
} from "./test-masters.ts";
import { emptyFolder, inOwnLinux, LINUX_MS_MAX, mounted, readTree, tool } from "./test-tools.ts";

const HOST_NAME = "lab-a-17";
const LICENCE = "ÄB-1234-€";
const PARTITIONS = ["ext4", "ntfs", "fat32", "unknown"] as const;
type Partition = (typeof PARTITIONS)[number];
const CONTENT: LocalizationContent = {
  values: { host_name: HOST_NAME, licence: LICENCE },
  ...{ sealed: {}, files: [], identityImage: null, recipes: [] },
  tokens: [
    { name: "host_name", padding: "space" },
    { name: "licence", padding: "nul" },
  ],
};

let folder: string;
let files: Files;
let archive: Archive;
let master: SnapshotRecord;
let scan: TokenScan;
let rendered: Rendered;
const masterImage = (partition: Partition) => join(folder, `${partition}.img`);
const localizedImage = (partition: Partition) => join(folder, `${partition}-localized.img`);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sheepfold-file-systems-"));
  files = masterFiles();
  await makeExt4(masterImage("ext4"), files);
  await makeNtfs(masterImage("ntfs"), files);
  makeFat32(masterImage("fat32"), files);
  makeUnknown(masterImage("unknown"));
  archive = await openArchive(join(folder, "repository"));
  master = await archive.archive(new Map(PARTITIONS.map((partition) => [partition, masterImage(partition)])));
  scan = await scanSnapshot(archive.repository, master.id);
  rendered = render(CONTENT, scan, () => "");
  const images = await openLocalizedImages(
    archive.repository,
    master.id,
    rendered,
    new AbortController().signal,
  );
  for (const [partition, image] of images) {
    await writeOut(image, sizeOf(partition), localizedImage(partition as Partition));
    expect(image.contentRoot).not.toBe(rootOf(master, partition));
    image.close();
  }
});

afterAll(async () => {
  await archive.close();
  rmSync(folder, { recursive: true, force: true });
});

const imageOf = (snapshot: SnapshotRecord, partition: string) =>
  snapshot.images.find((image) => image.partition === partition);
const sizeOf = (partition: string) => imageOf(master, partition)?.sizeBytes ?? 0;
const rootOf = (snapshot: SnapshotRecord, partition: string) => imageOf(snapshot, partition)?.contentRoot;

const expectedFiles = () =>
  new Map([...files].map(([path, bytes]) => [path, replaced(bytes, HOST_NAME, LICENCE)]));

/** Every file is there, no other one, and each holds what it should. */
function expectFiles(found: Files): void {
  const expected = expectedFiles();
  expect([...found.keys()].sort()).toEqual([...expected.keys()].sort());
  for (const [path, bytes] of expected)
    expect(found.get(path)?.equals(bytes), `the content of ${path}`).toBe(true);
  expect(found.get("plain.bin")?.equals(files.get("plain.bin") ?? Buffer.alloc(0))).toBe(true);
  expect(found.get("Größe/日本 @@.txt")?.toString()).toContain("@@left_alone@@ @@Not one@@ @@");
}

describe("tokens are replaced, the checker finds nothing, and every file is read back as it should be", () => {
  test("ext4: e2fsck, and the kernel", async () => {
    tool("/usr/sbin/e2fsck", ["-fn", localizedImage("ext4")]);
    await mounted(localizedImage("ext4"), "ext4", ["ro"], (at) => expectFiles(readTree(at)));
  });

  test("NTFS: ntfsfix, and ntfs-3g", async () => {
    tool("/usr/bin/ntfsfix", ["-n", localizedImage("ntfs")]);
    await mounted(localizedImage("ntfs"), "ntfs-3g", ["ro"], (at) => expectFiles(readTree(at)));
  });

  test(
    "FAT32: fsck.fat, and the FAT driver of Linux",
    () => {
      tool("/usr/sbin/fsck.fat", ["-n", localizedImage("fat32")]);
      const shared = emptyFolder(join(folder, "linux"));
      inOwnLinux(
        shared,
        [localizedImage("fat32")],
        "mount -t vfat -o ro,utf8 /dev/ubda /media; cp -R /media /mnt/found",
      );
      expectFiles(readTree(join(shared, "found")));
    },
    LINUX_MS_MAX + 10_000,
  );

  test("a file system nobody knows: the same bytes as by an editor", async () => {
    const before = await readFile(masterImage("unknown"));
    const after = await readFile(localizedImage("unknown"));
    expect(after.equals(replaced(before, HOST_NAME, LICENCE))).toBe(true);
  });
});

test("tokens lie across borders of pages on every one of them, in both encodings", () => {
  for (const { partition, tokens, obstacles } of scan) {
    expect(obstacles).toEqual([]);
    const across = (encoding: Encoding) =>
      tokens.filter(
        (token) =>
          token.encoding === encoding &&
          Math.floor(token.offsetBytes / PAGE_BYTES) <
            Math.floor((token.offsetBytes + token.lengthBytes - 1) / PAGE_BYTES),
      ).length;
    expect(across("utf8"), `UTF-8 on ${partition}`).toBeGreaterThanOrEqual(8);
    expect(across("utf16le"), `UTF-16LE on ${partition}`).toBeGreaterThanOrEqual(8);
  }
});

test("what is computed for a PC is what its bytes are: archived, they have the same contentRoot", async () => {
  const back = await archive.archive(
    new Map(PARTITIONS.map((partition) => [partition, localizedImage(partition)])),
  );
  const images = await openLocalizedImages(
    archive.repository,
    master.id,
    rendered,
    new AbortController().signal,
  );
  for (const [partition, image] of images) {
    expect(image.contentRoot).toBe(rootOf(back, partition));
    image.close();
  }
  expect(images.size).toBe(PARTITIONS.length);
});

test("a master whose tokens were declared with one place too few is refused", () => {
  const countOf = (name: string) =>
    scan.flatMap(({ tokens }) => tokens.filter((token) => token.name === name)).length;
  const spec = (hosts: number) => ({
    ...{ identityImage: null, recipes: [] },
    tokens: [{ name: "host_name", padding: "space" as const, count: hosts }],
  });
  checkMaster(spec(countOf("host_name")), scan, PARTITIONS);
  expect(() => checkMaster(spec(countOf("host_name") - 1), scan, PARTITIONS)).toThrow(
    expect.objectContaining({ code: "localization-refused" }),
  );
});
