// Is a PC's disk what it must be? Judged without the product: its files are read with debugfs and mtools, its file system is checked
// with e2fsck, and every block in which it differs from the master is searched for facts: all must be this PC's own.
import { execFile } from "node:child_process";
import { type FileHandle, mkdir, mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { expectedFiles, FACT_FORMS, type Facts, filled, VOLUME_FILE } from "./facts.ts";
import type { MasterDisk } from "./master-disk.ts";

const BLOCK_BYTES = 4096;
const CHUNK_BYTES = 4 * 2 ** 20;
/** A fact may begin in a block that is the same on the master; it is never longer. */
const BESIDE_BYTES = 256;
const OUTPUT_BYTES_MAX = 64 * 2 ** 20;
const IdentityJson = z.object({ values: z.record(z.string(), z.string()) });
const run = promisify(execFile);
const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin`, LC_ALL: "C.UTF-8" };

/** Answers in how many bytes the disk differs from the master's, by blocks of 4 KiB. Throws with the first thing that is not right. */
export async function checkDisk(
  disk: string,
  facts: Facts,
  master: MasterDisk,
  scratch: string,
): Promise<number> {
  await checkFiles(disk, facts, master, scratch);
  await checkVolume(disk, facts, master);
  await run("e2fsck", ["-f", "-n", `${disk}?offset=${master.system.offsetBytes}`], { env });
  return searchDifferences(disk, facts, master);
}

async function checkFiles(
  disk: string,
  facts: Facts,
  { system }: MasterDisk,
  scratch: string,
): Promise<void> {
  await mkdir(scratch, { recursive: true });
  const folder = await mkdtemp(join(scratch, "files-"));
  try {
    const files = expectedFiles(facts).map((file, index) => ({ ...file, copy: join(folder, `${index}`) }));
    const commands = join(folder, "commands");
    await writeFile(commands, files.map(({ path, copy }) => `dump /${path} ${copy}\n`).join(""));
    await run("debugfs", ["-f", commands, `${disk}?offset=${system.offsetBytes}`], { env });
    for (const { path, bytes, copy } of files) assertSame(disk, `/${path}`, await readFile(copy), bytes);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function checkVolume(disk: string, facts: Facts, { identity }: MasterDisk): Promise<void> {
  const read = async (path: string) => {
    const args = ["-n", "-i", `${disk}@@${identity.offsetBytes}`, `::${path}`, "-"];
    return (await run("mcopy", args, { env, encoding: "buffer", maxBuffer: OUTPUT_BYTES_MAX })).stdout;
  };
  const { values } = IdentityJson.parse(JSON.parse((await read("identity.json")).toString("utf8")));
  for (const [name, value] of Object.entries(facts)) {
    // A secret goes only where somebody asked for it by its name.
    const wanted = name === "licence" ? undefined : value;
    if (values[name] !== wanted) throw new Error(`${disk}: ${name} is ${values[name]}, not ${wanted}.`);
  }
  const { path, template } = VOLUME_FILE;
  assertSame(disk, path, await read(`files/${path}`), Buffer.from(filled(template, facts)));
}

function assertSame(disk: string, path: string, present: Buffer, wanted: Buffer): void {
  if (present.equals(wanted)) return;
  const at = present.findIndex((byte, index) => byte !== wanted[index]);
  const words = (bytes: Buffer) => JSON.stringify(bytes.toString("latin1", Math.max(0, at - 40), at + 40));
  throw new Error(`${disk}: ${path} is not what it must be: ${words(present)} instead of ${words(wanted)}.`);
}

async function searchDifferences(disk: string, facts: Facts, master: MasterDisk): Promise<number> {
  const [mine, masters] = await Promise.all([open(disk, "r"), open(master.path, "r")]);
  try {
    let differingBytes = 0;
    const found = new Set<string>();
    for (let offset = 0; offset < master.diskBytes; offset += CHUNK_BYTES) {
      for (const stretch of await differingStretches(mine, masters, offset, master.diskBytes)) {
        differingBytes += stretch.lengthBytes;
        for (const fact of factsIn(stretch.bytes)) found.add(fact);
      }
    }
    checkFound(disk, facts, found);
    return differingBytes;
  } finally {
    await Promise.all([mine.close(), masters.close()]);
  }
}

function checkFound(disk: string, facts: Facts, found: ReadonlySet<string>): void {
  const own: readonly string[] = Object.values(facts);
  const foreign = [...found].find((fact) => !own.includes(fact));
  if (foreign !== undefined) throw new Error(`${disk} holds ${foreign}, which is another PC's.`);
  const missing = own.find((fact) => !found.has(fact));
  if (missing !== undefined) throw new Error(`${disk} does not hold ${missing}.`);
}

interface Stretch {
  readonly lengthBytes: number;
  /** With a little of what lies before and behind. */
  readonly bytes: Buffer;
}

/** Neighbouring blocks that differ are one stretch: a fact may lie across their border. */
async function differingStretches(
  mine: FileHandle,
  masters: FileHandle,
  offset: number,
  diskBytes: number,
): Promise<Stretch[]> {
  const length = Math.min(CHUNK_BYTES, diskBytes - offset);
  const [own, other] = await Promise.all([readAt(mine, offset, length), readAt(masters, offset, length)]);
  if (own.equals(other)) return [];
  const stretches: { from: number; to: number }[] = [];
  for (let from = 0; from < length; from += BLOCK_BYTES) {
    const to = Math.min(from + BLOCK_BYTES, length);
    if (own.subarray(from, to).equals(other.subarray(from, to))) continue;
    const last = stretches.at(-1);
    if (last?.to === from) last.to = to;
    else stretches.push({ from, to });
  }
  return Promise.all(
    stretches.map(async ({ from, to }) => {
      const begin = Math.max(0, offset + from - BESIDE_BYTES);
      const end = Math.min(diskBytes, offset + to + BESIDE_BYTES);
      return { lengthBytes: to - from, bytes: await readAt(mine, begin, end - begin) };
    }),
  );
}

async function readAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  const { bytesRead } = await file.read(bytes, 0, length, offset);
  if (bytesRead < length) throw new Error(`Only ${bytesRead} of ${length} bytes at ${offset} could be read.`);
  return bytes;
}

/** In UTF-8, and in UTF-16LE from even and from odd places. */
function factsIn(bytes: Buffer): string[] {
  const texts = [bytes.toString("latin1"), bytes.toString("utf16le"), bytes.subarray(1).toString("utf16le")];
  return texts.flatMap((text) => text.match(FACT_FORMS) ?? []);
}
