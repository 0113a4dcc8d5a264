// The master's disk as an image file: a GPT, a real ext4 partition with real files of this machine and the token files of facts.ts,
// and an empty partition for the identity volume. Sparse; nothing is mounted.
import { execFile } from "node:child_process";
import { mkdir, open, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { openFileDevice } from "#agent/device/file-device.ts";
import { writeGpt } from "#agent/device/write-gpt.ts";
import { chooseFiles, makeFileSystem } from "../sets/source-files.ts";
import { masterFiles } from "./facts.ts";

const MIB = 2 ** 20;
const USED_SHARE = 0.65;
const SYSTEM_OFFSET = MIB;
export const IDENTITY_BYTES = 32 * MIB;
/** GPT's backup table lies there. */
const TAIL_BYTES = MIB;
export const SYSTEM_PARTITION = "p1";
export const IDENTITY_PARTITION = "p2";

export interface DiskPlaces {
  readonly diskBytes: number;
  readonly system: { readonly offsetBytes: number; readonly sizeBytes: number };
  readonly identity: { readonly offsetBytes: number; readonly sizeBytes: number };
}

export interface MasterDisk extends DiskPlaces {
  readonly path: string;
  /** On this machine's disk; its holes take nothing. */
  readonly allocatedBytes: number;
}

const run = promisify(execFile);

/** What a disk with a system partition of this size takes at most: its files, the tables of its file system, the volume. */
export function estimateAllocated(systemBytes: number): number {
  return Math.ceil(systemBytes * (USED_SHARE + 0.07)) + MIB;
}

export async function makeMasterDisk(path: string, systemBytes: number): Promise<MasterDisk> {
  const places = placesOf(systemBytes);
  const fileSystem = `${path}.p1`;
  const files = await chooseFiles(systemBytes * USED_SHARE);
  await makeFileSystem(fileSystem, systemBytes, files, addMasterFiles);
  await makeEmptyDisk(path, places.diskBytes);
  await partition(path, places);
  await run("dd", [
    ...[`if=${fileSystem}`, `of=${path}`, "bs=1M", `seek=${SYSTEM_OFFSET / MIB}`],
    ...["conv=sparse,notrunc", "status=none"],
  ]);
  await rm(fileSystem);
  return { ...places, path, allocatedBytes: await allocatedBytesOf(path) };
}

/** A PC that was unpacked a minute ago: no table, no bytes. */
export async function makeEmptyDisk(path: string, diskBytes: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, "w");
  try {
    await file.truncate(diskBytes);
  } finally {
    await file.close();
  }
}

export async function allocatedBytesOf(path: string): Promise<number> {
  // Blocks of 512 bytes, whatever the file system's own are: stat(2).
  return (await stat(path)).blocks * 512;
}

function placesOf(systemBytes: number): DiskPlaces {
  const identityOffset = SYSTEM_OFFSET + systemBytes;
  return {
    diskBytes: identityOffset + IDENTITY_BYTES + TAIL_BYTES,
    system: { offsetBytes: SYSTEM_OFFSET, sizeBytes: systemBytes },
    identity: { offsetBytes: identityOffset, sizeBytes: IDENTITY_BYTES },
  };
}

async function partition(path: string, { system, identity }: DiskPlaces): Promise<void> {
  const device = await openFileDevice(path, "write");
  try {
    await writeGpt(device, "5eee9f01-d000-4000-8000-0000000000d0", [
      { label: "system", guid: "5eee9f01-d000-4000-8000-0000000000d1", ...system },
      { label: "CIDATA", guid: "5eee9f01-d000-4000-8000-0000000000d2", ...identity },
    ]);
  } finally {
    await device.close();
  }
}

async function addMasterFiles(folder: string): Promise<void> {
  for (const { path, bytes } of masterFiles()) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), bytes);
  }
}
