// What only a real folder can get wrong: modes, missing places, open files. The shared promises are in
// contract.test.ts; a really full disk is in ../disk-full.integration.test.ts.
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openLocalDisk } from "./local-disk.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sheepfold-disk-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("a missing folder is named, and only made when asked", async () => {
  const missing = join(folder, "a", "b");
  await expect(openLocalDisk(missing)).rejects.toMatchObject({
    code: "repository-missing",
    message: `There is no folder ${missing}.`,
  });
  await (await openLocalDisk(missing, { create: true })).close();
  await (await openLocalDisk(missing)).close();
});

test("a file in place of the folder is refused by name", async () => {
  const file = join(folder, "file");
  await writeFile(file, "");
  await expect(openLocalDisk(file)).rejects.toMatchObject({
    code: "storage-failed",
    message: `${file} is not a folder.`,
  });
  await expect(openLocalDisk(join(file, "x"))).rejects.toMatchObject({ code: "storage-failed" });
});

test("sealed files are read-only and folders closed to others", async () => {
  const storage = await openLocalDisk(join(folder, "repository"), { create: true });
  await storage.writeFile("packs/ab/x.pack", new Uint8Array(3));
  const modeOf = async (name: string) => ((await stat(join(folder, name))).mode & 0o777).toString(8);
  expect(await modeOf("repository/packs/ab/x.pack")).toBe("440");
  for (const name of ["repository", "repository/packs", "repository/packs/ab", "repository/tmp"]) {
    expect((await modeOf(name)).endsWith("0"), name).toBe(true);
  }
  await storage.close();
});

test("a folder that vanished (an unmounted disk) is not made again in its place", async () => {
  const root = join(folder, "mount");
  const storage = await openLocalDisk(root, { create: true });
  await rm(root, { recursive: true });
  await expect(storage.writeFile("packs/x", new Uint8Array(1))).rejects.toMatchObject({
    code: "storage-failed",
  });
  await expect(stat(root)).rejects.toMatchObject({ code: "ENOENT" });
  await storage.close();
});

test("a failure carries the system's own error as its cause", async () => {
  const storage = await openLocalDisk(folder);
  await storage.writeFile("packs/x", new Uint8Array(1));
  const failing = storage.writeFile("packs/x/y", new Uint8Array(1));
  await expect(failing).rejects.toMatchObject({ code: "storage-failed", cause: { code: "ENOTDIR" } });
  expect(await storage.list("tmp")).toEqual([]);
  await storage.close();
});

const descriptors = "/proc/self/fd";
const hasProc = process.platform === "linux";

test.skipIf(!hasProc)("few files stay open however many are read, and none after closing", async () => {
  const countOf = async () => (await readdir(descriptors)).length;
  const before = await countOf();
  const storage = await openLocalDisk(folder);
  for (let index = 0; index < 300; index++) await storage.writeFile(`packs/${index}`, new Uint8Array(1));
  for (let index = 0; index < 300; index++) await storage.readAt(`packs/${index}`, 0, new Uint8Array(1));
  expect((await countOf()) - before).toBeLessThanOrEqual(128 + 4);
  await storage.close();
  expect((await countOf()) - before).toBeLessThanOrEqual(4);
});
