// Where partitions lie: on block devices, found by their place and not by their name, and far inside image files. Needs root and loop devices.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { RecipeMessage } from "#lib/protocol/recipe.ts";
import { runRecipes } from "./run-recipes.ts";
import {
  addressOf,
  apply,
  cutOut,
  debugfs,
  line,
  loopDevicesOf,
  makeExt,
  makeFat,
  makeNtfs,
  mtoolsAddressOf,
  type TestVolume,
  tool,
} from "./test-volumes.ts";

const FILES = { "/settings.ini": "seat=0\n" };
const RECIPE = line("/settings.ini", "seat=", "seat=7");
/** Beyond what 32 bits can say. */
const FAR_BYTES = 5 * 1024 ** 3;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sheepfold-volume-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(() => expect(loopDevicesOf(folder)).toEqual([]));

/** `volume` as a disk with a partition the kernel knows, which `use` is given. */
async function asBlockDevice(
  volume: TestVolume,
  use: (disk: string, node: string) => Promise<void>,
): Promise<void> {
  const disk = tool("losetup", "--find", "--show", volume.disk).toString().trim();
  try {
    // Told, not read from the table: not every kernel reads tables of loop devices.
    tool("addpart", disk, "1", String(volume.offsetBytes / 512), String(volume.sizeBytes / 512));
    await use(disk, `${disk}p1`);
    tool("delpart", disk, "1");
  } finally {
    tool("losetup", "--detach", disk);
  }
}

function run(diskPath: string, volume: TestVolume, more: object = {}) {
  return runRecipes({
    diskPath,
    isFile: false,
    partitions: [{ name: "p1", offsetBytes: volume.offsetBytes, sizeBytes: volume.sizeBytes, ...more }],
    recipes: [RecipeMessage.parse(RECIPE)],
    signal: new AbortController().signal,
  });
}

for (const [name, make, read] of [
  ["ext4", makeExt, (node: string) => tool("debugfs", "-R", "cat /settings.ini", node)],
  ["FAT", makeFat, (node: string) => tool("mtype", "-i", node, "::/settings.ini")],
  ["NTFS", makeNtfs, (node: string) => tool("ntfscat", node, "/settings.ini")],
] as const) {
  test(`${name} on a block device is changed through its partition's own node`, async () => {
    const volume = await make(join(folder, `${name}.img`), FILES);
    await asBlockDevice(volume, async (disk, node) => {
      expect(await run(disk, volume)).toMatchObject([{ changed: true }]);
      expect(read(node).toString()).toBe("seat=7\n");
      expect(await run(disk, volume)).toMatchObject([{ changed: false }]);
    });
  });
}

test("a block device is refused while its partition is mounted, and when the kernel's partition is another", async () => {
  const volume = await makeExt(join(folder, "mounted.img"), FILES);
  await asBlockDevice(volume, async (disk, node) => {
    const mountPoint = join(folder, "mounted");
    tool("mkdir", mountPoint);
    tool("mount", node, mountPoint);
    try {
      await expect(run(disk, volume)).rejects.toMatchObject({ code: "target-mounted" });
    } finally {
      tool("umount", mountPoint);
    }
    await expect(run(disk, volume, { sizeBytes: volume.sizeBytes - 4096 })).rejects.toMatchObject({
      code: "target-missing",
    });
    expect(tool("debugfs", "-R", "cat /settings.ini", node).toString()).toBe("seat=0\n");
  });
});

test("partitions beyond 4 GiB of an image file are reached by every file system's programs", async () => {
  const ext = await makeExt(join(folder, "far-ext.img"), FILES, [], () => undefined, FAR_BYTES);
  await apply(ext, RECIPE);
  expect(debugfs(ext, "cat /settings.ini")).toBe("seat=7\n");
  tool("e2fsck", "-fn", addressOf(ext));
  const fat = await makeFat(join(folder, "far-fat.img"), FILES, 32, FAR_BYTES);
  await apply(fat, RECIPE);
  expect(tool("mtype", "-i", mtoolsAddressOf(fat), "::/settings.ini").toString()).toBe("seat=7\n");
  const ntfs = await makeNtfs(join(folder, "far-ntfs.img"), FILES, FAR_BYTES);
  await apply(ntfs, RECIPE);
  expect(tool("ntfscat", "-f", cutOut(ntfs), "/settings.ini").toString()).toBe("seat=7\n");
});
