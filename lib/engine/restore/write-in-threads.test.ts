// Restoring onto local files, where threads read, compare, write and check by themselves: real files, real descriptors.
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openFileTarget } from "../repository.ts";
import { changed, joined, newBench, noise, PAGE, targetOf } from "../test-bench.ts";
import type { Repository } from "../types.ts";

const disk = joined(noise(70 * PAGE), new Uint8Array(8 * PAGE), noise(5 * PAGE, 2), noise(700, 3));
let folder = "";
let repository: Repository;
let snapshotId = "";

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sheepfold-threads-"));
  const bench = await newBench(4096, { threads: 2 });
  repository = bench.repository;
  snapshotId = (await bench.archive(disk)).id;
});
afterAll(async () => {
  await repository.close();
  rmSync(folder, { recursive: true, force: true });
});

async function restoredFile(name: string, present: Uint8Array | null) {
  const path = join(folder, name);
  if (present !== null) writeFileSync(path, present);
  const target = await openFileTarget(path, present === null ? { create: disk.length } : {});
  const progress: number[] = [];
  const report = await repository.restore(snapshotId, "sda1", target, {
    onProgress: ({ doneBytes }) => progress.push(doneBytes),
  });
  await target.close();
  return { path, bytes: readFileSync(path), report, progress };
}

test("RS-1: a new file gets every byte, and holes where the image is zero", async () => {
  const { path, bytes, report, progress } = await restoredFile("new", null);
  expect(Buffer.compare(bytes, disk)).toBe(0);
  expect(report).toMatchObject({
    differingBytes: disk.length - 8 * PAGE,
    writtenBytes: disk.length - 8 * PAGE,
  });
  expect(statSync(path).blocks * 512).toBeLessThan(disk.length - 7 * PAGE);
  expect(progress.at(-1)).toBe(disk.length);
});

test("RS-1: of another state only the 4 KiB that differ are written, and nothing when nothing does", async () => {
  const places = [3, 3 * PAGE + 5000, 3 * PAGE + 4095, 66 * PAGE - 1, disk.length - 1];
  const { bytes, report } = await restoredFile("other", changed(disk, ...places));
  expect(Buffer.compare(bytes, disk)).toBe(0);
  // 4 KiB each but for the last, which is 700 bytes; and the first 4 KiB once more, blanked.
  expect(report).toMatchObject({ differingBytes: 3 * PAGE + 700, writtenBytes: 5 * 4096 + 700 });
  const same = await restoredFile("same", disk);
  expect(same.report).toMatchObject({ differingBytes: 0, writtenBytes: 0 });
  expect(same.progress.at(-1)).toBe(disk.length);
});

test("threads leave the same bytes as the caller's thread, whatever was there", async () => {
  const present = joined(noise(40 * PAGE, 7), disk.subarray(40 * PAGE, 75 * PAGE), noise(8 * PAGE + 700, 9));
  const { bytes, report } = await restoredFile("anything", present.slice());
  const alone = targetOf(present.slice());
  const expected = await repository.restore(snapshotId, "sda1", alone);
  expect(Buffer.compare(bytes, alone.bytes)).toBe(0);
  expect(Buffer.compare(bytes, disk)).toBe(0);
  expect(report.writtenBytes).toBe(expected.writtenBytes);
  expect(report.differingBytes).toBe(expected.differingBytes);
});

/** A target whose threads get another descriptor than the caller. */
async function restoreWith(path: string, flags: number): Promise<Uint8Array> {
  const descriptor = openSync(path, flags);
  const target = targetOf(noise(disk.length, 5));
  try {
    const lent = { ...target, isBlank: true, forThreads: () => ({ descriptor, path }) };
    await repository.restore(snapshotId, "sda1", lent);
  } finally {
    closeSync(descriptor);
  }
  return target.bytes;
}

test("RS-5: a target that does not keep what threads write to it is found out", async () => {
  const path = join(folder, "appending");
  writeFileSync(path, noise(disk.length, 6));
  // Linux appends to such a file whatever place it is told.
  const work = restoreWith(path, constants.O_RDWR | constants.O_APPEND);
  await expect(work).rejects.toMatchObject({
    code: "target-write-failed",
    message: expect.stringContaining("does not hold"),
  });
});

test("a target that is full, read-only or too short fails by name, and says what to do", async () => {
  await expect(restoreWith("/dev/full", constants.O_RDWR)).rejects.toMatchObject({
    code: "target-write-failed",
    message: "/dev/full cannot be written: its disk is full.",
    retry: "later",
  });
  const path = join(folder, "read-only");
  writeFileSync(path, disk);
  await expect(restoreWith(path, constants.O_RDONLY)).rejects.toMatchObject({
    code: "target-write-failed",
    message: `${path} cannot be written.`,
    retry: "never",
  });
  await expect(restoreWith("/dev/null", constants.O_RDWR)).rejects.toMatchObject({
    code: "target-write-failed",
    message: expect.stringContaining("cannot be read back"),
  });
});

test("a target that shrinks while it is compared is named", async () => {
  const path = join(folder, "short");
  writeFileSync(path, disk.subarray(0, 10 * PAGE));
  const descriptor = openSync(path, "r+");
  const lent = { ...targetOf(disk.slice()), forThreads: () => ({ descriptor, path }) };
  await expect(repository.restore(snapshotId, "sda1", lent)).rejects.toMatchObject({
    code: "target-write-failed",
    message: expect.stringContaining(path),
  });
  closeSync(descriptor);
});
