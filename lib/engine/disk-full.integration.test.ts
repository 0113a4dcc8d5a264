// A real full disk: a small tmpfs that runs out of space in mid-archive, is enlarged, and takes the same archive.
// Needs root for the mount; without it the test is skipped and says so.
import { execFile } from "node:child_process";
import { mkdtemp, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { Chance } from "#lib/model/chance.ts";
import { createRepository, openRepository } from "./repository.ts";
import { sourceOf, targetOf } from "./simulation/disk.ts";
import { openLocalDisk } from "./storage/local-disk.ts";
import type { Repository, SnapshotRecord } from "./types.ts";

const run = promisify(execFile);
const isRoot = process.getuid?.() === 0;
const MIB = 1024 * 1024;

test.skipIf(!isRoot)(
  `SN-3: a full disk fails the archive by name, loses nothing, and takes it once there is space${isRoot ? "" : " (skipped: mounting a tmpfs needs root)"}`,
  () =>
    onTmpfs(8, async (folder) => {
      await createRepository({ storage: await openLocalDisk(folder) });
      const storage = await openLocalDisk(folder);
      const repository = await openRepository({ storage, access: "write", owner: "test" });
      const small = new Chance(1).bytes(2 * MIB);
      const large = new Chance(2).bytes(16 * MIB);
      const kept = await archive(repository, small);

      for (let attempt = 0; attempt < 3; attempt++) {
        await expect(archive(repository, large)).rejects.toMatchObject({ code: "storage-full" });
      }
      await expectRestores(repository, kept, small);
      expect((await repository.verify()).findings).toEqual([]);

      await run("mount", ["-o", "remount,size=64m", folder]);
      await expectRestores(repository, await archive(repository, large), large);
      await repository.close();
      await storage.close();
      await expectAllAfterReopening(folder);
    }),
  60_000,
);

async function onTmpfs(sizeMib: number, work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "sheepfold-full-"));
  try {
    await run("mount", ["-t", "tmpfs", "-o", `size=${sizeMib}m`, "tmpfs", folder]);
    try {
      await work(folder);
    } finally {
      await run("umount", ["-l", folder]);
    }
  } finally {
    await rmdir(folder);
  }
}

async function archive(repository: Repository, bytes: Uint8Array): Promise<SnapshotRecord> {
  const session = await repository.beginArchive({ node: "pc-1" });
  try {
    await session.archiveSource({ partition: "sda1" }, sourceOf(bytes));
    return await session.commit();
  } catch (error) {
    await session.abort();
    throw error;
  }
}

async function expectRestores(
  repository: Repository,
  record: SnapshotRecord,
  bytes: Uint8Array,
): Promise<void> {
  const target = targetOf(new Uint8Array(bytes.length));
  await repository.restore(record.id, "sda1", target);
  expect(Buffer.compare(target.bytes, bytes)).toBe(0);
}

async function expectAllAfterReopening(folder: string): Promise<void> {
  const storage = await openLocalDisk(folder);
  const repository = await openRepository({ storage, access: "write", owner: "test" });
  expect(repository.snapshots()).toHaveLength(2);
  expect((await repository.verify()).findings).toEqual([]);
  await repository.close();
  await storage.close();
}
