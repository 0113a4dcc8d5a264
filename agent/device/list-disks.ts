// Which real disks a PC has, by lsblk: whole disks with content, no CD drives, no RAM disks, no loop devices.
import { execFile } from "node:child_process";
import { basename } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { CodedError } from "#lib/model/errors.ts";
import { NO_SERIAL_PREFIX } from "./guards.ts";
import { wordsOf } from "./raw-device.ts";

const run = promisify(execFile);

const text = z.string().nullish();
const BlockDisk = z.object({
  path: z.string(),
  serial: text,
  wwn: text,
  model: text,
  size: z.number(),
  "log-sec": z.number(),
  type: z.string(),
  rm: z.boolean(),
});
const Listing = z.object({ blockdevices: z.array(BlockDisk) });
type BlockDisk = z.infer<typeof BlockDisk>;

/** Paths of the disks an agent without --disk takes care of. Removable ones are someone's USB stick. */
export async function listDiskPaths(): Promise<string[]> {
  const disks = await lsblk([]);
  return disks.filter((disk) => disk.type === "disk" && !disk.rm && disk.size > 0).map((disk) => disk.path);
}

export async function describeBlockDisk(
  path: string,
): Promise<{ serial: string; model: string; sectorSize: number }> {
  const [disk] = await lsblk([path]);
  if (disk === undefined) {
    throw new CodedError("source-missing", `lsblk does not know the disk ${path}.`, {
      hint: "Check that the disk is connected.",
    });
  }
  // Virtual disks may have no serial number; their name then has to do, since one PC's own disks differ by it.
  const serial = disk.serial?.trim() || disk.wwn?.trim() || NO_SERIAL_PREFIX + basename(disk.path);
  return {
    serial: serial.slice(0, 128),
    model: (disk.model ?? "").trim().slice(0, 128),
    sectorSize: disk["log-sec"],
  };
}

async function lsblk(paths: readonly string[]): Promise<BlockDisk[]> {
  const columns = "PATH,SERIAL,WWN,MODEL,SIZE,LOG-SEC,TYPE,RM";
  try {
    const { stdout } = await run("lsblk", ["--json", "--bytes", "--nodeps", "--output", columns, ...paths]);
    return Listing.parse(JSON.parse(stdout)).blockdevices;
  } catch (cause) {
    throw new CodedError("source-missing", `The PC's disks cannot be listed: ${wordsOf(cause)}.`, {
      hint: "Install util-linux (lsblk), or name the disks with --disk.",
      cause,
    });
  }
}
