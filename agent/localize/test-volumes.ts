// Small disk images for tests of recipes: a GPT, and behind an odd distance one partition with a real file system, made by its own
// tools. Without mounting; NTFS needs root for its loop device. A tool that is missing fails the test by its name.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { RecipeMessage, type RecipeResult } from "#lib/protocol/recipe.ts";
import { openFileDevice } from "../device/file-device.ts";
import { writeGpt } from "../device/write-gpt.ts";
import { runRecipes } from "./run-recipes.ts";

const MIB = 1024 * 1024;
const OFFSET_BYTES = 3 * MIB;

export interface TestVolume {
  readonly disk: string;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

export type TestFiles = Readonly<Record<string, string | Buffer>>;

const PATH = `${process.env.PATH}:/usr/sbin:/sbin`;

/** Standard output as it is. Throws with the tool's name and words. */
export function tool(command: string, ...args: string[]): Buffer {
  return execFileSync(command, args, {
    stdio: "pipe",
    maxBuffer: 64 * MIB,
    env: { ...process.env, PATH, LC_ALL: "C.UTF-8", MTOOLS_SKIP_CHECK: "1" },
  });
}

export async function makeDisk(
  disk: string,
  sizeBytes: number,
  offsetBytes = OFFSET_BYTES,
): Promise<TestVolume> {
  writeFileSync(disk, "");
  truncateSync(disk, offsetBytes + sizeBytes + MIB);
  const device = await openFileDevice(disk, "write");
  try {
    const guid = "11111111-2222-4333-8444-555555555555";
    await writeGpt(device, guid, [{ label: "system", offsetBytes, sizeBytes, guid }]);
  } finally {
    await device.close();
  }
  return { disk, offsetBytes, sizeBytes };
}

/** `prepare` may change the staging folder: links, modes. */
export async function makeExt(
  disk: string,
  files: TestFiles,
  options: readonly string[] = [],
  prepare: (folder: string) => void = () => undefined,
  offsetBytes = OFFSET_BYTES,
): Promise<TestVolume> {
  const volume = await makeDisk(disk, 24 * MIB, offsetBytes);
  const staging = stage(disk, files);
  prepare(staging);
  const extended = `offset=${offsetBytes},root_owner=0:0,lazy_itable_init=0`;
  const type = options.includes("-t") ? [] : ["-t", "ext4"];
  const blocks = `${volume.sizeBytes / 1024}k`;
  tool("mke2fs", "-q", "-F", ...type, ...options, "-E", extended, "-d", staging, disk, blocks);
  rmSync(staging, { recursive: true });
  return volume;
}

export async function makeFat(
  disk: string,
  files: TestFiles,
  bits: 12 | 16 | 32 = 32,
  offsetBytes = OFFSET_BYTES,
): Promise<TestVolume> {
  const sizeMiB = { 12: 4, 16: 20, 32: 40 }[bits];
  const volume = await makeDisk(disk, sizeMiB * MIB, offsetBytes);
  const draft = `${disk}.fat`;
  writeFileSync(draft, "");
  truncateSync(draft, volume.sizeBytes);
  tool("mkfs.fat", "-F", String(bits), ...(bits === 32 ? ["-s", "1"] : []), draft);
  const staging = stage(disk, files);
  for (const name of new Set(Object.keys(files).map((path) => path.split("/")[1] ?? ""))) {
    tool("mcopy", "-s", "-i", draft, join(staging, name), "::/");
  }
  copyInto(volume, draft);
  rmSync(draft);
  rmSync(staging, { recursive: true });
  return volume;
}

/** Filled while mounted by FUSE: ntfscp makes no folders. */
export async function makeNtfs(
  disk: string,
  files: TestFiles,
  offsetBytes = OFFSET_BYTES,
): Promise<TestVolume> {
  const volume = await makeDisk(disk, 24 * MIB, offsetBytes);
  const draft = `${disk}.ntfs`;
  writeFileSync(draft, "");
  truncateSync(draft, volume.sizeBytes);
  tool("mkfs.ntfs", "-q", "-F", "-f", draft);
  const mountPoint = `${disk}.mount`;
  mkdirSync(mountPoint);
  tool("ntfs-3g", draft, mountPoint);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(mountPoint, path)), { recursive: true });
    writeFileSync(join(mountPoint, path), content);
  }
  tool("umount", mountPoint);
  copyInto(volume, draft);
  rmSync(draft);
  return volume;
}

function stage(disk: string, files: TestFiles): string {
  const staging = `${disk}.staging`;
  mkdirSync(staging);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(staging, path)), { recursive: true });
    writeFileSync(join(staging, path), content);
  }
  return staging;
}

/** Puts `part` into the disk as its partition. */
export function copyInto({ disk, offsetBytes }: TestVolume, part: string): void {
  const seek = `seek=${offsetBytes / MIB}`;
  tool("dd", `if=${part}`, `of=${disk}`, "bs=1M", seek, "conv=notrunc", "status=none");
}

/** The partition as a file of its own, for tools that know no offsets. */
export function cutOut({ disk, offsetBytes, sizeBytes }: TestVolume): string {
  const part = `${disk}.part`;
  const range = [`skip=${offsetBytes / MIB}`, `count=${sizeBytes / MIB}`];
  tool("dd", `if=${disk}`, `of=${part}`, "bs=1M", ...range, "status=none");
  return part;
}

export async function digestOf({ disk }: TestVolume): Promise<string> {
  return createHash("sha256")
    .update(await readFile(disk))
    .digest("hex");
}

export const put = (path: string, content: string | Buffer, more: object = {}) => ({
  kind: "put-file",
  partition: "p1",
  path,
  ...(typeof content === "string"
    ? { content }
    : { content: content.toString("base64"), encoding: "base64" }),
  ...more,
});

export const line = (path: string, match: string, text: string) => ({
  kind: "set-line",
  partition: "p1",
  path,
  match,
  line: text,
});

export const hostName = (name: string) => ({ kind: "set-host-name", partition: "p1", hostName: name });

/** For debugfs and e2fsck. */
export const addressOf = ({ disk, offsetBytes }: TestVolume) => `${disk}?offset=${offsetBytes}`;

export function debugfs(volume: TestVolume, command: string): string {
  return tool("debugfs", "-R", command, addressOf(volume)).toString();
}

/** For mtools. */
export const mtoolsAddressOf = ({ disk, offsetBytes }: TestVolume) => `${disk}@@${offsetBytes}`;

/** None may outlive what needed it. */
export function loopDevicesOf(folder: string): string[] {
  const listed = tool("losetup", "--list", "--noheadings", "--output", "BACK-FILE").toString();
  return listed.split("\n").filter((file) => file.includes(folder));
}

export function apply(volume: TestVolume, ...recipes: unknown[]): Promise<RecipeResult[]> {
  return runRecipes({
    diskPath: volume.disk,
    isFile: true,
    partitions: [{ name: "p1", offsetBytes: volume.offsetBytes, sizeBytes: volume.sizeBytes }],
    recipes: recipes.map((recipe) => RecipeMessage.parse(recipe)),
    signal: new AbortController().signal,
  });
}
