// Real block devices, by loop devices over image files: needs root. What is mounted is refused by the guards and, should they
// ever err, by the kernel; what is free is written, zeroed and read back like an image file.
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createSimulatedDisk } from "../simulated-pc.ts";
import { noise, sha256Of } from "../test-disk.ts";
import { inspectDisk } from "./disk.ts";
import { openDevice } from "./open-device.ts";
import { usageOf } from "./usage.ts";

const MIB = 1024 * 1024;
let folder: string;
let image: string;
const loops: string[] = [];

function run(command: string, ...args: string[]): string {
  return execFileSync(command, args, { stdio: "pipe" }).toString().trim();
}

function attach(...options: string[]): string | null {
  try {
    const path = run("losetup", "--find", "--show", ...options, image);
    loops.push(path);
    return path;
  } catch {
    return null; // No root, or no loop devices in this container.
  }
}

const canAttach = process.getuid?.() === 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sheepfold-loop-"));
  image = join(folder, "disk.img");
  await createSimulatedDisk({ file: image, sizeBytes: 64 * MIB, seed: 1, contents: [] });
});

afterAll(async () => {
  for (const loop of loops) run("losetup", "--detach", loop);
  await rm(folder, { recursive: true, force: true });
});

test.skipIf(!canAttach)(
  "a mounted disk is seen as in use, as device and as image file, and cannot be opened for writing",
  async (context) => {
    const loop = attach("--offset", String(MIB), "--sizelimit", String(62 * MIB));
    if (loop === null) return context.skip();
    const mountPoint = join(folder, "mount point");
    await mkdir(mountPoint);
    run("mount", loop, mountPoint);
    try {
      expect((await usageOf(loop, false)).mountPoints).toEqual([mountPoint]);
      expect((await usageOf(image, true)).mountPoints).toEqual([mountPoint]);
      await expect(openDevice(loop, "write")).rejects.toMatchObject({ code: "target-mounted" });
    } finally {
      run("umount", mountPoint);
    }
    expect((await usageOf(loop, false)).mountPoints).toEqual([]);
  },
);

test.skipIf(!canAttach)("a read-only disk is seen as such", async (context) => {
  const loop = attach("--read-only");
  if (loop === null) return context.skip();
  expect((await usageOf(loop, false)).readOnly).toBe(true);
});

test.skipIf(!canAttach)(
  "a block device has its file's size, partitions and bytes, and takes writes and zeros",
  async (context) => {
    const loop = attach();
    if (loop === null) return context.skip();
    const { info } = await inspectDisk(loop);
    expect(info).toMatchObject({ sizeBytes: 64 * MIB, serial: expect.stringContaining("loop") });
    expect(info.partitions).toEqual((await inspectDisk(image)).info.partitions);
    const before = await sha256Of(image);
    const device = await openDevice(loop, "write");
    const kept = Buffer.alloc(8 * MIB);
    await device.read(8 * MIB, kept);
    await device.write(8 * MIB, noise(4, 8 * MIB));
    await device.zero(9 * MIB, 2 * MIB);
    await device.zero(12 * MIB + 5, 100);
    await device.flush();
    const back = Buffer.alloc(2 * MIB);
    await device.read(9 * MIB, back);
    expect(back.every((byte) => byte === 0)).toBe(true);
    await device.write(8 * MIB, kept);
    await device.flush();
    await device.close();
    expect(await sha256Of(image)).toBe(before);
  },
);
