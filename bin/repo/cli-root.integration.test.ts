// What only root can bring about: mounted partitions, loop devices, and a file system that is really full.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ImageEntry } from "./image-entry.ts";
import { runJson } from "./run-cli.ts";

const run = promisify(execFile);
const isRoot = process.getuid?.() === 0;
const whenRoot = test.skipIf(!isRoot);
const IMAGE_BYTES = 16 * 1024 * 1024;

let folder = "";
let repository = "";
let image = "";
let mountPoint = "";
let entry: ImageEntry;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sheepfold-root-"));
  repository = join(folder, "repository");
  image = join(folder, "sda1.img");
  mountPoint = join(folder, "mounted");
  await mkdir(mountPoint);
  await writeFile(image, "");
  await truncate(image, IMAGE_BYTES);
  if (!isRoot) return;
  await run("mke2fs", ["-q", "-F", "-t", "ext4", image]);
  await runJson("init", repository);
  entry = (await runJson(...archiveArgs(image))).value as ImageEntry;
});
afterAll(() => rm(folder, { recursive: true, force: true }));

whenRoot("a file whose file system is mounted is neither archived nor restored onto", async () => {
  await mounted(["-o", "loop"], image, async () => {
    await expectRefused(archiveArgs(image), "source-mounted");
    await expectRefused(["restore", repository, entry.id, image, "--overwrite-other"], "target-mounted");
    const live = await runJson(...archiveArgs(image), "--live");
    expect(live.exitCode).toBe(0);
    expect(live.errors[0]).toMatchObject({ notice: "source-mounted" });
  });
  expect((await runJson("restore", repository, entry.id, image)).exitCode).toBe(0);
});

whenRoot("a loop device is refused while mounted, archived and restored once it is not", async () => {
  const device = (await run("losetup", ["--show", "-f", image])).stdout.trim();
  try {
    await mounted([], device, async () => {
      await expectRefused(archiveArgs(device), "source-mounted");
      await expectRefused(["restore", repository, entry.id, device, "--overwrite-other"], "target-mounted");
    });
    await mounted(["-o", "ro"], device, async () => {
      expect((await runJson(...archiveArgs(device))).exitCode).toBe(0);
    });
    await expectRefused(["restore", repository, entry.id, image], "target-other-purpose");
    const restored = await runJson("restore", repository, entry.id, device);
    expect(restored.value).toMatchObject({ target: device, readBytes: IMAGE_BYTES });
    expect(restored.exitCode).toBe(0);
  } finally {
    await run("losetup", ["-d", device]);
  }
  const check = join(folder, "check.img");
  await runJson("restore", repository, entry.id, check);
  await run("cmp", [image, check]);
});

whenRoot(
  "a full disk under the repository fails by name, loses nothing, and works again with space",
  async () => {
    const disk = join(folder, "tmpfs");
    await mkdir(disk);
    await run("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", disk]);
    try {
      const small = join(disk, "repository");
      await runJson("init", small);
      const random = join(folder, "random.img");
      await run("dd", ["if=/dev/urandom", `of=${random}`, "bs=1M", "count=8"]);
      const full = await runJson(...archiveArgs(random, small));
      expect({ exitCode: full.exitCode, code: full.error?.code }).toEqual({
        exitCode: 7,
        code: "storage-full",
      });
      expect((await runJson("list", small)).value).toEqual([]);
      await run("mount", ["-o", "remount,size=32m", disk]);
      expect((await runJson(...archiveArgs(random, small))).exitCode).toBe(0);
      expect((await runJson("verify", small)).exitCode).toBe(0);
    } finally {
      await run("umount", ["-l", disk]);
    }
  },
);

whenRoot(
  "a full disk under the target fails by name, and the same command finishes the restore with space",
  async () => {
    const disk = join(folder, "target-tmpfs");
    await mkdir(disk);
    const random = join(folder, "random2.img");
    await run("dd", ["if=/dev/urandom", `of=${random}`, "bs=1M", "count=8"]);
    const { id } = (await runJson(...archiveArgs(random))).value as ImageEntry;
    await run("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", disk]);
    try {
      const target = join(disk, "restored.img");
      const full = await runJson("restore", repository, id, target);
      expect(full.exitCode).toBe(7);
      await run("mount", ["-o", "remount,size=32m", disk]);
      expect((await runJson("restore", repository, id, target)).exitCode).toBe(0);
      await run("cmp", [random, target]);
    } finally {
      await run("umount", ["-l", disk]);
    }
  },
);

function archiveArgs(source: string, into = repository): string[] {
  return ["archive", into, source, "--node", "pc01", "--partition", "sda1"];
}

async function expectRefused(args: string[], code: string): Promise<void> {
  const { exitCode, stdout, error } = await runJson(...args);
  expect({ exitCode, stdout, code: error?.code }).toEqual({ exitCode: 4, stdout: "", code });
}

async function mounted(options: string[], source: string, work: () => Promise<void>): Promise<void> {
  await run("mount", [...options, source, mountPoint]);
  try {
    await work();
  } finally {
    await run("umount", [mountPoint]);
  }
}
