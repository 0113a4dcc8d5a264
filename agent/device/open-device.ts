// Opens a disk by path, whatever it is: an image file or a block device.
import { openSync, statSync } from "node:fs";
import { stat } from "node:fs/promises";
import { CodedError } from "#lib/model/errors.ts";
import { openBlockDevice, openBlockDeviceForReading } from "./block-device.ts";
import { openFileDevice } from "./file-device.ts";
import { type Access, type RawDevice, wordsOf } from "./raw-device.ts";

export async function openDevice(path: string, access: Access): Promise<RawDevice> {
  return (await isBlockDevice(path)) ? openBlockDevice(path, access) : openFileDevice(path, access);
}

export async function isBlockDevice(path: string): Promise<boolean> {
  const facts = await stat(path).catch((cause: unknown) => {
    throw new CodedError("source-missing", `There is no disk ${path}: ${wordsOf(cause)}.`, {
      hint: "Check the agent's --disk argument, or that the disk is still connected.",
      cause,
    });
  });
  return facts.isBlockDevice();
}

/** A descriptor for a hashing thread, which reads synchronously. The thread closes it. */
export function openForReadingSync(path: string): number {
  return statSync(path).isBlockDevice() ? openBlockDeviceForReading(path) : openSync(path, "r");
}
