import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { deviceNumber, parseMountinfo, pathFacts } from "./path-facts.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sheepfold-path-"));
});
afterAll(() => rm(folder, { recursive: true }));

test("a mount table line is understood, with spaces in the mount point", () => {
  const line = String.raw`36 35 98:0 /mnt1 /mnt\040two rw,noatime master:1 - ext3 /dev/root ro,errors=continue`;
  expect(parseMountinfo(`${line}\n`)).toEqual([
    { number: "98:0", mountPoint: "/mnt two", source: "/dev/root", readOnly: true },
  ]);
});

test("a read-only bind mount of a file system that is written counts as written", () => {
  const [mount] = parseMountinfo("40 35 8:1 /a /b ro,relatime - ext4 /dev/sda1 rw");
  expect(mount?.readOnly).toBe(false);
});

test("device numbers are read as the kernel writes them", () => {
  expect(deviceNumber(0x801)).toBe("8:1");
  expect(deviceNumber(0x700)).toBe("7:0");
  expect(deviceNumber(0x10_0305)).toBe("3:261");
});

test("a file, a link to it, a link to nothing, a folder and an absent path are told apart", async () => {
  const file = join(folder, "file");
  await writeFile(file, "12345");
  await symlink(file, join(folder, "link"));
  await symlink(join(folder, "nowhere"), join(folder, "dangling"));
  expect(await pathFacts(file)).toMatchObject({ kind: "file", path: file, sizeBytes: 5, isLink: false });
  expect(await pathFacts(join(folder, "link"))).toMatchObject({ kind: "file", path: file, isLink: true });
  const nowhere = join(folder, "nowhere");
  expect(await pathFacts(join(folder, "dangling"))).toMatchObject({
    kind: "absent",
    path: nowhere,
    isLink: true,
  });
  expect(await pathFacts(folder)).toMatchObject({ kind: "folder" });
  expect(await pathFacts("/dev/null")).toMatchObject({ kind: "other" });
  expect(await pathFacts(nowhere)).toMatchObject({ kind: "absent", path: nowhere, isLink: false });
});

test("a path in a folder that does not exist says so", async () => {
  const path = join(folder, "no", "file");
  expect(await pathFacts(path)).toMatchObject({ kind: "absent", path, folderExists: false });
});
