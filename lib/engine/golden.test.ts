// A repository of each format version is checked in and must open, list, restore and verify for ever.
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRepository, openRepository } from "./repository.ts";
import { sourceOf, targetOf } from "./simulation/disk.ts";
import { openLocalDisk } from "./storage/local-disk.ts";
import { memoryStorage } from "./storage/memory.ts";
import type { Storage } from "./storage/storage.ts";
import { GOLDENS, type Golden, type GoldenSnapshot, goldenSnapshots } from "./testdata/golden-contents.ts";
import type { Repository, SnapshotRecord } from "./types.ts";

/** Made by make-golden-rewritten.ts: packs of version 2, whose frames several ranges of ids share. */
const REWRITTEN: Golden = { folder: "repository-v1-rewritten", formatVersion: 1, keys: [] };

describe.each([...GOLDENS, REWRITTEN])(
  "FORMAT-1: the golden repository $folder",
  ({ folder, formatVersion, keys }) => {
    const path = join(import.meta.dirname, "testdata", folder);
    let repository: Repository;
    let storage: Storage;
    let filesBefore: string[];
    const contents = goldenSnapshots();

    beforeAll(async () => {
      filesBefore = await fileSizes(path);
      storage = await openLocalDisk(path);
      repository = await openRepository({ storage, access: "read", threads: 0, key: keys[0] });
    });
    afterAll(async () => {
      await repository.close();
      await storage.close();
      expect(await fileSizes(path), "reading changed the repository").toEqual(filesBefore);
    });

    test("says what it is", () => {
      expect(repository.info).toMatchObject({
        formatVersion,
        isEncrypted: keys.length > 0,
        blockSize: 4096,
        createdAt: "2026-01-01T00:00:00.000Z",
      });
    });

    test("lists its snapshots in commit order, each with its parent", () => {
      const records = repository.snapshots();
      expect(records.map(({ node, comment }) => ({ node, comment }))).toEqual(
        contents.map(({ node, comment }) => ({ node, comment })),
      );
      const parents = records.map((record) => records.findIndex((other) => other.id === record.parentId));
      expect(parents).toEqual([-1, -1, 0, 1, 2]);
    });

    for (const [index, snapshot] of contents.entries()) {
      test(`restores ${snapshot.node} "${snapshot.comment}" byte for byte`, () =>
        expectRestores(repository, repository.snapshots()[index], snapshot));
    }

    if (keys.length > 1) {
      test("each of its keys opens it", async () => {
        for (const key of keys) {
          const other = await openRepository({ storage, access: "read", threads: 0, key });
          expect(other.snapshots()).toHaveLength(contents.length);
          await other.close();
        }
      });
    }

    test("verifies without a finding", async () => {
      const report = await repository.verify();
      expect(report).toMatchObject({ snapshotCount: contents.length, findings: [] });
      expect(report.checkedBytes).toBeGreaterThan(0);
    });

    test("its content roots are those of the same images archived today", async () => {
      const today = await archivedToday(contents);
      const rootsOf = (records: readonly SnapshotRecord[]) =>
        records.map((record) => record.images.map((image) => [image.partition, image.contentRoot]));
      expect(rootsOf(repository.snapshots())).toEqual(rootsOf(today));
    });
  },
);

async function fileSizes(path: string): Promise<string[]> {
  const names = await readdir(path, { recursive: true });
  const sized = names.map(async (name) => `${name} ${(await stat(join(path, name))).size}`);
  return (await Promise.all(sized)).sort();
}

async function expectRestores(
  repository: Repository,
  record: SnapshotRecord | undefined,
  golden: GoldenSnapshot,
) {
  if (record === undefined) throw new Error("The snapshot is missing.");
  expect(record.images.map((image) => image.partition)).toEqual(Object.keys(golden.images));
  for (const [partition, bytes] of Object.entries(golden.images)) {
    const target = targetOf(new Uint8Array(bytes.length).fill(0xaa));
    await repository.restore(record.id, partition, target);
    expect(Buffer.compare(target.bytes, bytes), partition).toBe(0);
  }
}

async function archivedToday(contents: readonly GoldenSnapshot[]): Promise<readonly SnapshotRecord[]> {
  const memory = memoryStorage();
  await createRepository({ storage: memory.connect(), blockSize: 512 });
  const repository = await openRepository({ storage: memory.connect(), access: "write", threads: 0 });
  for (const { node, images } of contents) {
    const session = await repository.beginArchive({ node });
    for (const [partition, bytes] of Object.entries(images)) {
      await session.archiveSource({ partition }, sourceOf(bytes));
    }
    await session.commit();
  }
  const records = repository.snapshots();
  await repository.close();
  return records;
}
