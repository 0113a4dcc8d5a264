// Masters for tests: partitions with real file systems, made by their own programs, and in them files with tokens at every place where
// a page of the image may end; archived, looked through, localized and written out again.
import { createCipheriv } from "node:crypto";
import { copyFileSync, mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  createRepository,
  openFileSource,
  openLocalDisk,
  openRepository,
  type Repository,
  type SnapshotRecord,
} from "#lib/engine/repository.ts";
import { PAGE_BYTES } from "#lib/page/page.ts";
import type { LocalizedImage } from "./served-image.ts";
import { emptyFolder, mounted, tool } from "./test-tools.ts";

const MIB = 1024 * 1024;
export type Files = ReadonlyMap<string, Buffer>;

export const HOST = "@@host_name__________@@";
export const LICENCE = "@@licence___________@@";
/** Clusters of the file systems begin at multiples of this, so pages of the image do. */
const CLUSTER_BYTES = 2048;

export function noise(seed: number, lengthBytes: number): Buffer {
  return createCipheriv("aes-256-ctr", Buffer.alloc(32, seed), Buffer.alloc(16)).update(
    Buffer.alloc(lengthBytes),
  );
}

/** Wherever clusters of it lie on the disk: what ends a page lies inside a token. */
function acrossEveryCluster(seed: number, token: Buffer, before: number): Buffer {
  const bytes = noise(seed, 4 * MIB);
  for (let at = CLUSTER_BYTES; at < bytes.length; at += CLUSTER_BYTES) token.copy(bytes, at - before);
  return bytes;
}

export function masterFiles(): Files {
  return new Map(
    Object.entries({
      "etc/hostname": Buffer.from(`${HOST}\n`),
      "etc/hosts": Buffer.from(`127.0.0.1 localhost\n127.0.1.1 ${HOST}.school.example ${HOST}\n`),
      "Programs/Licence of it.ini": Buffer.from(`\ufeff[key]\r\nvalue=${LICENCE}\r\n`, "utf16le"),
      "Größe/日本 @@.txt": Buffer.from(`@@@@${HOST}@@left_alone@@ @@Not one@@ @@`),
      "both.bin": Buffer.concat([Buffer.from(HOST), Buffer.from(LICENCE, "utf16le"), Buffer.from(HOST)]),
      "empty.txt": Buffer.alloc(0),
      "plain.bin": noise(1, MIB + 12_345),
      // Nine bytes before, and in the middle of a character.
      "borders/utf8.bin": acrossEveryCluster(2, Buffer.from(HOST), 9),
      "borders/utf16.bin": acrossEveryCluster(3, Buffer.from(LICENCE, "utf16le"), 11),
    }),
  );
}

/** What should stand there on a PC, by replacing words as an editor does. */
export function replaced(bytes: Buffer, host: string, licence: string): Buffer {
  const all = Buffer.from(bytes);
  const put = (token: Buffer, value: Buffer) => {
    for (let at = all.indexOf(token); at !== -1; at = all.indexOf(token, at + token.length))
      value.copy(all, at);
  };
  put(Buffer.from(HOST), Buffer.from(host.padEnd(HOST.length)));
  put(Buffer.from(LICENCE, "utf16le"), Buffer.from(licence.padEnd(LICENCE.length, "\0"), "utf16le"));
  return all;
}

function blank(image: string, sizeBytes: number): void {
  writeFileSync(image, "");
  truncateSync(image, sizeBytes);
}

export function writeTree(folder: string, files: Files): void {
  for (const [path, bytes] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes, { flush: true });
  }
}

/** As mke2fs makes it on a disk of a usual size: with a journal and checksums of its metadata. `inUse`: where to keep what lies on the
 *  disk while it is mounted, as after a power cut. */
export async function makeExt4(image: string, files: Files, inUse?: string): Promise<void> {
  blank(image, 48 * MIB);
  tool("/usr/sbin/mke2fs", ["-q", "-F", "-t", "ext4", "-b", "4096", image]);
  await mounted(image, "ext4", [], (folder) => {
    writeTree(folder, files);
    if (inUse !== undefined) copyFileSync(image, inUse);
  });
}

/** `compressed`: these files are compressed, as far as they can be. */
export async function makeNtfs(image: string, files: Files, compressed: Files = new Map()): Promise<void> {
  blank(image, 48 * MIB);
  tool("/usr/sbin/mkfs.ntfs", ["-q", "-F", "-f", image]);
  await mounted(image, "ntfs-3g", ["compression"], (folder) => {
    writeTree(folder, files);
    if (compressed.size === 0) return;
    const inside = join(folder, "compressed");
    mkdirSync(inside);
    // FILE_ATTRIBUTE_COMPRESSED, which what is made in the folder takes over.
    tool("/usr/bin/setfattr", ["-h", "-n", "system.ntfs_attrib_be", "-v", "0x00000800", inside]);
    writeTree(inside, compressed);
  });
}

export function makeFat32(image: string, files: Files): void {
  blank(image, 136 * MIB);
  tool("/usr/sbin/mkfs.fat", ["-F", "32", "-s", String(CLUSTER_BYTES / 512), image]);
  const staging = emptyFolder(`${image}.files`);
  writeTree(staging, files);
  for (const name of new Set([...files.keys()].map((path) => path.split("/")[0] ?? "")))
    tool("/usr/bin/mcopy", ["-s", "-i", image, join(staging, name), "::/"]);
}

/** Of a file system that nobody knows but its author: records of 13 bytes more than anything round, one in three written twice, and
 *  tokens at the first and the last byte and across every page's end. */
export function makeUnknown(image: string): void {
  const records = Array.from({ length: 8000 }, (_, index) =>
    Buffer.concat([
      Buffer.from(`rec${String(index - (index % 3)).padStart(10, "0")}`),
      noise(index % 3, 1024),
    ]),
  );
  const bytes = Buffer.concat(records).subarray(0, 31 * PAGE_BYTES + 512);
  const licence = Buffer.from(LICENCE, "utf16le");
  Buffer.from(HOST).copy(bytes);
  licence.copy(bytes, bytes.length - licence.length);
  for (let page = 1; page < bytes.length / PAGE_BYTES - 1; page += 2) {
    Buffer.from(HOST).copy(bytes, page * PAGE_BYTES - 9);
    licence.copy(bytes, (page + 1) * PAGE_BYTES - 11);
  }
  writeFileSync(image, bytes);
}

export interface Archive {
  readonly repository: Repository;
  /** One snapshot of these image files, by partition. */
  archive(images: ReadonlyMap<string, string>): Promise<SnapshotRecord>;
  close(): Promise<void>;
}

export async function openArchive(folder: string): Promise<Archive> {
  const storage = await openLocalDisk(emptyFolder(folder));
  await createRepository({ storage });
  const repository = await openRepository({ storage, access: "write", owner: "test" });
  return {
    repository,
    archive: async (images) => {
      const session = await repository.beginArchive({ node: "pc-1" });
      for (const [partition, path] of images) {
        const source = await openFileSource(path);
        await session.archiveSource({ partition }, source);
        await source.close();
      }
      return session.commit();
    },
    close: async () => {
      await repository.close();
      await storage.close();
    },
  };
}

/** Every page that is not all zeros, to where it belongs. */
export async function writeOut(image: LocalizedImage, sizeBytes: number, path: string): Promise<void> {
  blank(path, sizeBytes);
  const records = await image.pageRecords(0, Math.ceil(sizeBytes / PAGE_BYTES));
  const wanted = records.filter(({ fillByte }) => fillByte !== 0).map(({ index }) => index);
  const handle = await open(path, "r+");
  await image.readPages(wanted, async ({ index }, bytes) => {
    await handle.write(bytes, 0, bytes.length, index * PAGE_BYTES);
  });
  await handle.close();
}
