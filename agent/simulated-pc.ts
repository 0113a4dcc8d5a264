// Disks of simulated PCs: image files with a GPT and a real ext4 partition full of real files, made without root and without
// mounting. PCs of a classroom are copies of one disk that differ in their host name, as real ones are after cloning.
// Everything a seed decides is the same on every run.
import { execFile } from "node:child_process";
import { createCipheriv, createHash } from "node:crypto";
import { cp, mkdir, mkdtemp, open, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { CodedError } from "#lib/model/errors.ts";
import { DISK_LAYOUT } from "#lib/model/node.ts";
import { inspectDisk } from "./device/disk.ts";
import { openFileDevice } from "./device/file-device.ts";
import { wordsOf } from "./device/raw-device.ts";
import { writeGpt } from "./device/write-gpt.ts";

const run = promisify(execFile);
const MIB = 1024 * 1024;
const PARTITION_OFFSET = MIB;
/** Leaves a mebibyte after the partition, as partitioning tools do: GPT's backup table lies there. */
const OUTSIDE_PARTITION = 2 * MIB;
const DEFAULT_CONTENTS = ["/usr/bin", "/usr/lib", "/usr/share/doc", "/usr/share"];
// A freshly installed PC's partition is about half full.
const FILLED_SHARE = 0.5;

export interface SimulatedDiskOptions {
  readonly file: string;
  readonly sizeBytes: number;
  readonly seed: number;
  readonly hostName?: string;
  /** Another simulated disk of the same size to be a copy of. */
  readonly like?: string | undefined;
  /** Folders of this machine whose files fill the partition up to half: the first gets half of that, the next half of
   *  the rest, and so on, so that programs and many small files are both there. */
  readonly contents?: readonly string[];
  /** With a second partition of this size behind it, labelled CIDATA, for an identity volume. Whole MiB. */
  readonly identityBytes?: number;
}

export async function createSimulatedDisk(options: SimulatedDiskOptions): Promise<void> {
  await mkdir(dirname(options.file), { recursive: true });
  // Made under another name and renamed by the last step: a run that was cut off leaves no half disk that looks whole.
  const draft = `${options.file}.draft`;
  try {
    if (options.like !== undefined && (await stat(options.like)).size === options.sizeBytes) {
      await tool("cp", ["--sparse=always", "--reflink=auto", options.like, draft]);
    } else await formatDisk(draft, options);
    await giveIdentity(
      draft,
      options.hostName ?? basename(options.file).replace(/\.[^.]*$/, ""),
      options.seed,
    );
    await tool("mv", ["-f", draft, options.file]);
  } finally {
    await rm(draft, { force: true });
  }
}

/** What a lesson does to a disk: new files, one file deleted, one grown. */
export async function changeSimulatedDisk(file: string, seed: number): Promise<void> {
  await inFileSystem(file, seed, async (folder) => {
    const essay = join(folder, "essay");
    const download = join(folder, "download");
    await writeFile(essay, `Essay ${seed}\n${seededBytes(seed, 40_000).toString("hex")}\n`);
    await writeFile(download, seededBytes(seed + 1, 2 * MIB));
    return [
      `write ${essay} /home/student/essay-${seed}.txt`,
      `write ${download} /home/student/download-${seed}.bin`,
      "rm /home/student/welcome.txt",
    ];
  });
}

/** What a dying disk or a careless hand does: random bytes over random places of the partition, its superblock first. */
export async function damageSimulatedDisk(file: string, seed: number): Promise<void> {
  const { offsetBytes, sizeBytes } = await partitionOf(file);
  const device = await openFileDevice(file, "write");
  try {
    await device.write(offsetBytes + 1024, seededBytes(seed, 1024));
    const places = seededBytes(seed + 1, 16 * 4);
    for (let index = 0; index < 16; index++) {
      const at = Math.floor((places.readUInt32LE(index * 4) / 2 ** 32) * (sizeBytes - 64 * 1024));
      await device.write(offsetBytes + at, seededBytes(seed + 2 + index, 16 * 1024 + index * 3000));
    }
    await device.flush();
  } finally {
    await device.close();
  }
}

async function formatDisk(path: string, options: SimulatedDiskOptions): Promise<void> {
  const file = await open(path, "w");
  await file.truncate(options.sizeBytes);
  await file.close();
  const { identityBytes = 0 } = options;
  const partitionBytes = Math.floor((options.sizeBytes - OUTSIDE_PARTITION) / MIB) * MIB - identityBytes;
  const device = await openFileDevice(path, "write");
  try {
    const partition = {
      label: "system",
      offsetBytes: PARTITION_OFFSET,
      sizeBytes: partitionBytes,
      guid: guid(options.seed, "p1"),
    };
    const identity = {
      label: "CIDATA",
      offsetBytes: PARTITION_OFFSET + partitionBytes,
      sizeBytes: identityBytes,
      guid: guid(options.seed, "p2"),
    };
    const partitions = identityBytes === 0 ? [partition] : [partition, identity];
    await writeGpt(device, guid(options.seed, "disk"), partitions);
  } finally {
    await device.close();
  }
  const staging = await mkdtemp(join(tmpdir(), "sheepfold-pc-"));
  try {
    await stageContents(staging, options.contents ?? DEFAULT_CONTENTS, partitionBytes * FILLED_SHARE);
    const extended = `offset=${PARTITION_OFFSET},root_owner=0:0,lazy_itable_init=0`;
    await tool("mke2fs", [
      ...["-q", "-F", "-t", "ext4", "-b", "4096", "-L", "system", "-U", guid(options.seed, "ext4")],
      ...["-E", extended, "-d", staging, path, `${partitionBytes / 1024}k`],
    ]);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** Copies regular files until the budget is spent. Order by name: the same machine gives the same disk. */
async function stageContents(
  staging: string,
  folders: readonly string[],
  budgetBytes: number,
): Promise<void> {
  let rest = budgetBytes;
  for (const folder of folders) {
    const share = rest / 2;
    rest -= share - (await stageFolder(folder, join(staging, folder), share));
  }
  await mkdir(join(staging, "etc"), { recursive: true });
  await mkdir(join(staging, "home/student"), { recursive: true });
  await writeFile(join(staging, "home/student/welcome.txt"), "Welcome to the computer room.\n");
}

async function stageFolder(from: string, to: string, budgetBytes: number): Promise<number> {
  let rest = budgetBytes;
  const entries = await readdir(from, { withFileTypes: true }).catch(() => []); // Machines differ: skip what is absent.
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    if (rest <= 0) break;
    const source = join(from, entry.name);
    if (entry.isDirectory()) rest = await stageFolder(source, join(to, entry.name), rest);
    if (!entry.isFile()) continue;
    const { size, mode } = await stat(source);
    // World-readable files only: a simulated disk may be shown around.
    if (size > rest || (mode & 0o004) === 0) continue;
    await mkdir(to, { recursive: true });
    await cp(source, join(to, entry.name));
    rest -= size + 4096; // Its inode and the tail of its last block.
  }
  return rest;
}

async function giveIdentity(path: string, hostName: string, seed: number): Promise<void> {
  await inFileSystem(path, seed, async (folder) => {
    await writeFile(join(folder, "hostname"), `${hostName}\n`);
    await writeFile(join(folder, "machine-id"), `${seededBytes(seed, 16).toString("hex")}\n`);
    // A copied disk has the identity of the one it was copied from.
    return [
      ...["hostname", "machine-id"].flatMap((name) => [
        `rm /etc/${name}`,
        `write ${join(folder, name)} /etc/${name}`,
      ]),
    ];
  });
}

/** Runs debugfs commands on the partition of an image; it writes into the file system without mounting it. Folders must be
 *  there already: debugfs 1.47 damages the file system when asked to make one that exists. */
async function inFileSystem(
  file: string,
  seed: number,
  prepare: (folder: string) => Promise<readonly string[]>,
): Promise<void> {
  const { offsetBytes } = await partitionOf(file);
  const folder = await mkdtemp(join(tmpdir(), `sheepfold-change-${seed}-`));
  try {
    const script = join(folder, "commands");
    await writeFile(script, `${(await prepare(folder)).join("\n")}\n`);
    await tool("debugfs", ["-w", "-f", script, `${file}?offset=${offsetBytes}`]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function partitionOf(file: string): Promise<{ offsetBytes: number; sizeBytes: number }> {
  const { info } = await inspectDisk(file);
  const partition = info.partitions.find((candidate) => candidate.name !== DISK_LAYOUT);
  if (partition !== undefined) return partition;
  throw new CodedError("source-missing", `${file} has no partition.`, {
    hint: "Make it with createSimulatedDisk.",
  });
}

async function tool(command: string, args: readonly string[]): Promise<void> {
  // Debian keeps mke2fs and debugfs in /usr/sbin, which is not on everybody's PATH.
  const env = { ...process.env, PATH: `${process.env.PATH ?? ""}:/usr/sbin:/sbin` };
  await run(command, args, { env }).catch((cause: unknown) => {
    throw new CodedError("environment-invalid", `${command} failed: ${wordsOf(cause)}.`, {
      hint: "Simulated PCs need e2fsprogs (mke2fs, debugfs) and room in the temporary folder.",
      cause,
    });
  });
}

/** Bytes that look random and are the same for the same seed. */
function seededBytes(seed: number, count: number): Buffer {
  const key = createHash("sha256").update(`sheepfold simulated disk ${seed}`).digest();
  return createCipheriv("aes-256-ctr", key, Buffer.alloc(16)).update(Buffer.alloc(count));
}

function guid(seed: number, what: string): string {
  const hex = createHash("sha256").update(`${what} ${seed}`).digest("hex");
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}
