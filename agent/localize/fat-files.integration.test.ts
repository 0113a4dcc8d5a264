// Recipes on real FAT partitions, read back by mtools and judged by fsck.fat. fsck.fat knows no offsets: needs root and loop devices.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { noise } from "../test-disk.ts";
import {
  apply,
  cutOut,
  digestOf,
  hostName,
  line,
  loopDevicesOf,
  makeFat,
  mtoolsAddressOf,
  put,
  type TestVolume,
  tool,
} from "./test-volumes.ts";

let folder: string;
let made = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sheepfold-fat-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(() => expect(loopDevicesOf(folder)).toEqual([]));

const freshDisk = () => join(folder, `disk-${made++}.img`);
const FILES = { "/EFI/boot/grub.cfg": "set timeout=5\r\nset x=1\r\n", "/A long name.txt": "old" };
const cat = (volume: TestVolume, path: string) =>
  tool("mtype", "-i", mtoolsAddressOf(volume), `::${path}`).toString();
const fsck = (volume: TestVolume) => tool("fsck.fat", "-n", cutOut(volume));

for (const bits of [12, 16, 32] as const) {
  test(`FAT${bits}: files are put, lines set, folders made, and fsck.fat finds nothing`, async () => {
    const volume = await makeFat(freshDisk(), FILES, bits);
    const results = await apply(
      volume,
      put("/Lab/Größe of 日本/seat number.txt", "7", { mode: 0o600 }),
      line("/EFI/boot/grub.cfg", "set timeout", "set timeout=0"),
      put("/A long name.txt", noise(1, 100_000)),
      put("/A long name.txt", noise(1, 100_000)),
    );
    expect(results.map(({ changed }) => changed)).toEqual([true, true, true, false]);
    expect(results[0]?.words).toContain("FAT keeps no mode");
    expect(cat(volume, "/Lab/Größe of 日本/seat number.txt")).toBe("7");
    expect(cat(volume, "/EFI/boot/grub.cfg")).toBe("set timeout=0\r\nset x=1\r\n");
    const out = join(folder, "out");
    tool("mcopy", "-n", "-i", mtoolsAddressOf(volume), "::/A long name.txt", out);
    expect(await readFile(out)).toEqual(noise(1, 100_000));
    expect(tool("mdir", "-a", "-b", "-/", "-i", mtoolsAddressOf(volume), "::/").toString()).not.toContain(
      "sheepfold",
    );
    fsck(volume);
  });
}

test("attributes stay, and what is read-only is replaced without a question", async () => {
  const volume = await makeFat(freshDisk(), FILES);
  const address = mtoolsAddressOf(volume);
  tool("mattrib", "-i", address, "+r", "+h", "+s", "::/A long name.txt");
  await apply(volume, put("/A long name.txt", "new"));
  expect(tool("mattrib", "-X", "-i", address, "::/A long name.txt").toString().trim()).toMatch(/^A?SHR$/);
  expect(cat(volume, "/A long name.txt")).toBe("new");
  fsck(volume);
});

test("refused: a missing file, a folder as file, a file as folder, a host name, a volume in use", async () => {
  const volume = await makeFat(freshDisk(), FILES);
  const before = await digestOf(volume);
  for (const recipe of [
    line("/none.txt", "a", "b"),
    put("/EFI", "x"),
    put("/A long name.txt/x", "x"),
    hostName("lab"),
  ]) {
    await expect(apply(volume, recipe)).rejects.toMatchObject({ code: "recipe-refused" });
  }
  expect(await digestOf(volume)).toBe(before);
  const bytes = await readFile(volume.disk);
  bytes.writeUInt8(1, volume.offsetBytes + 65); // FAT32's mark of a volume that is mounted.
  await writeFile(volume.disk, bytes);
  await expect(apply(volume, put("/x", "x"))).rejects.toMatchObject({
    code: "recipe-refused",
    message: expect.stringContaining("not left clean"),
  });
});

test("a full volume fails, keeps the old file and stays whole", async () => {
  const volume = await makeFat(freshDisk(), FILES, 12);
  const recipes = Array.from({ length: 20 }, (_, index) => put(`/f${index}`, noise(index, 262_144)));
  await expect(apply(volume, ...recipes)).rejects.toMatchObject({ code: "target-write-failed" });
  expect(cat(volume, "/A long name.txt")).toBe("old");
  fsck(volume);
});
