// Small disk images for tests: a partition table, one partition of bytes that look random and end in zeros.
import { createCipheriv, createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { openFileDevice } from "./device/file-device.ts";
import { writeGpt } from "./device/write-gpt.ts";

const MIB = 1024 * 1024;

/** The partition leaves one mebibyte behind it; its last 3 MiB are zeros. */
export async function makeTestDisk(
  path: string,
  sizeBytes = 12 * MIB,
  seed = 1,
  offsetBytes = MIB,
): Promise<string> {
  await writeFile(path, new Uint8Array(sizeBytes));
  const device = await openFileDevice(path, "write");
  const partition = {
    label: "system",
    offsetBytes,
    sizeBytes: sizeBytes - MIB - offsetBytes,
    guid: guidOf(seed),
  };
  await writeGpt(device, guidOf(seed + 1000), [partition]);
  await device.write(offsetBytes, noise(seed, partition.sizeBytes - 3 * MIB));
  await device.close();
  return path;
}

export function noise(seed: number, count: number): Buffer {
  const key = createHash("sha256").update(`noise ${seed}`).digest();
  return createCipheriv("aes-256-ctr", key, Buffer.alloc(16)).update(Buffer.alloc(count));
}

export async function overwrite(path: string, offsetBytes: number, bytes: Uint8Array): Promise<void> {
  const device = await openFileDevice(path, "write");
  await device.write(offsetBytes, bytes);
  await device.close();
}

export async function sha256Of(path: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
}

function guidOf(seed: number): string {
  const hex = createHash("sha256").update(`guid ${seed}`).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    "-",
  );
}
