// A small FAT volume made in code: the same files give the same bytes, whenever and wherever it is made. FAT16, or FAT12 when it
// is small; long names; one sector per cluster or as few as the size allows.
// Facts: Microsoft, "FAT: General Overview of On-Disk Format" (fatgen103).
import { createHash } from "node:crypto";
import { CodedError } from "#lib/model/errors.ts";
import { formatBytes } from "#lib/model/units.ts";
import { checkName, ENTRY_BYTES, longNameEntries, shortNameOf } from "./fat-names.ts";

export interface VolumeFile {
  /** With "/" between folders. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

export interface VolumeRequest {
  /** At most eleven characters, upper case. */
  readonly label: string;
  /** Of the whole volume; a multiple of 512. */
  readonly sizeBytes: number;
  readonly files: readonly VolumeFile[];
}

const SECTOR_BYTES = 512;
const RESERVED_SECTORS = 1;
const FAT_COUNT = 2;
const ROOT_ENTRIES = 512;
const ROOT_SECTORS = (ROOT_ENTRIES * ENTRY_BYTES) / SECTOR_BYTES;
const MEDIA = 0xf8;
/** Below, it is FAT12; Linux, Windows and firmware all decide by this number alone. */
const FAT16_CLUSTERS_MIN = 4085;
const FAT16_CLUSTERS_MAX = 65_524;
const SECTORS_PER_CLUSTER_MAX = 64;
export const VOLUME_BYTES_MIN = 64 * 1024;
/** 1980-01-01, the first day there is: a date of its making would make each volume another. */
const DATE = (1 << 5) | 1;
const ATTRIBUTE_VOLUME = 0x08;
const ATTRIBUTE_FOLDER = 0x10;
const ATTRIBUTE_ARCHIVE = 0x20;

interface Geometry {
  readonly sectors: number;
  readonly sectorsPerCluster: number;
  readonly fatSectors: number;
  readonly clusters: number;
  readonly isFat16: boolean;
}

interface Folder {
  readonly folders: Map<string, Folder>;
  readonly files: Map<string, Uint8Array>;
}

/** The whole volume. Throws `input-invalid` when a name cannot be, `target-too-small` when the files do not fit. */
export function makeFatVolume(request: VolumeRequest): Buffer {
  const geometry = geometryOf(request.sizeBytes);
  return new Writer(request, geometry).write(treeOf(request.files));
}

function geometryOf(sizeBytes: number): Geometry {
  if (sizeBytes % SECTOR_BYTES !== 0 || sizeBytes < VOLUME_BYTES_MIN) {
    throw new CodedError("target-too-small", `An identity volume of ${sizeBytes} bytes cannot be made.`, {
      hint: `It needs ${formatBytes(VOLUME_BYTES_MIN)} at least, and a whole number of sectors of ${SECTOR_BYTES} bytes.`,
    });
  }
  const sectors = sizeBytes / SECTOR_BYTES;
  for (let sectorsPerCluster = 1; sectorsPerCluster <= SECTORS_PER_CLUSTER_MAX; sectorsPerCluster *= 2) {
    for (const isFat16 of [false, true]) {
      const geometry = withFat(sectors, sectorsPerCluster, isFat16);
      if (isFat16 && geometry.clusters >= FAT16_CLUSTERS_MIN && geometry.clusters <= FAT16_CLUSTERS_MAX)
        return geometry;
      if (!isFat16 && geometry.clusters < FAT16_CLUSTERS_MIN) return geometry;
    }
  }
  throw new CodedError("target-missing", `An identity volume of ${formatBytes(sizeBytes)} cannot be made.`, {
    hint: "Give it a partition of at most 2 GiB: it holds a few small files.",
  });
}

/** The table describes the clusters that it leaves room for. */
function withFat(sectors: number, sectorsPerCluster: number, isFat16: boolean): Geometry {
  const bitsPerEntry = isFat16 ? 16 : 12;
  let fatSectors = 1;
  for (;;) {
    const data = sectors - RESERVED_SECTORS - FAT_COUNT * fatSectors - ROOT_SECTORS;
    const clusters = Math.floor(data / sectorsPerCluster);
    const needed = Math.ceil(((clusters + 2) * bitsPerEntry) / 8 / SECTOR_BYTES);
    if (needed <= fatSectors) return { sectors, sectorsPerCluster, fatSectors, clusters, isFat16 };
    fatSectors = needed;
  }
}

/** In the order of paths: of two spellings of a folder the same one is kept, whichever came first. */
function treeOf(files: readonly VolumeFile[]): Folder {
  const root: Folder = { folders: new Map(), files: new Map() };
  const inOrder = [...files].sort((left, right) => (left.path < right.path ? -1 : 1));
  for (const { path, bytes } of inOrder) {
    const names = path.split("/");
    for (const name of names) checkName(name);
    const last = names.pop() ?? "";
    const folder = names.reduce((inside, name) => folderIn(inside, name, path), root);
    if (nameIn(folder.files, last) !== null || nameIn(folder.folders, last) !== null) throw thereTwice(path);
    folder.files.set(last, bytes);
  }
  return root;
}

function folderIn(folder: Folder, name: string, path: string): Folder {
  if (nameIn(folder.files, name) !== null) throw thereTwice(path);
  const spelling = nameIn(folder.folders, name) ?? name;
  const inner = folder.folders.get(spelling) ?? { folders: new Map(), files: new Map() };
  folder.folders.set(spelling, inner);
  return inner;
}

/** As it is spelled there. */
function nameIn(entries: ReadonlyMap<string, unknown>, name: string): string | null {
  const lower = name.toLowerCase();
  return [...entries.keys()].find((other) => other.toLowerCase() === lower) ?? null;
}

function thereTwice(path: string): CodedError {
  return new CodedError("input-invalid", `"${path}" is there twice.`, {
    hint: "On this volume upper and lower case are the same.",
  });
}

class Writer {
  readonly #request: VolumeRequest;
  readonly #geometry: Geometry;
  readonly #volume: Buffer;
  /** Cluster after cluster; 0 is free. */
  readonly #chain: number[] = [0, 0];

  constructor(request: VolumeRequest, geometry: Geometry) {
    this.#request = request;
    this.#geometry = geometry;
    this.#volume = Buffer.alloc(request.sizeBytes);
  }

  write(root: Folder): Buffer {
    const entries = [this.#labelEntry(), ...this.#entriesOf(root, 0)];
    if (entries.length > ROOT_ENTRIES) throw this.#full();
    Buffer.concat(entries).copy(this.#volume, this.#rootOffset);
    this.#writeFats();
    this.#writeBootSector();
    return this.#volume;
  }

  get #rootOffset(): number {
    return (RESERVED_SECTORS + FAT_COUNT * this.#geometry.fatSectors) * SECTOR_BYTES;
  }

  get #clusterBytes(): number {
    return this.#geometry.sectorsPerCluster * SECTOR_BYTES;
  }

  /** Of everything in it, in the order of names: the order they were given in must not matter. */
  #entriesOf(folder: Folder, self: number): Buffer[] {
    const taken = new Set<string>();
    const named = (name: string, attribute: number, cluster: number, sizeBytes: number) => {
      const shortName = shortNameOf(name, taken);
      taken.add(shortName);
      return [...longNameEntries(name, shortName), entryOf(shortName, attribute, cluster, sizeBytes)];
    };
    const entries: Buffer[] = [];
    for (const [name, bytes] of sorted(folder.files)) {
      const cluster = bytes.length === 0 ? 0 : this.#store(bytes);
      entries.push(...named(name, ATTRIBUTE_ARCHIVE, cluster, bytes.length));
    }
    for (const [name, inner] of sorted(folder.folders)) {
      // Its clusters come first, since what is inside names them.
      const size = this.#sizeOf(inner);
      const cluster = this.#reserve(size);
      const dots = [
        entryOf(".          ", ATTRIBUTE_FOLDER, cluster, 0),
        entryOf("..         ", ATTRIBUTE_FOLDER, self, 0),
      ];
      this.#put(cluster, Buffer.concat([...dots, ...this.#entriesOf(inner, cluster)]));
      entries.push(...named(name, ATTRIBUTE_FOLDER, cluster, 0));
    }
    return entries;
  }

  #sizeOf(folder: Folder): number {
    const names = [...folder.files.keys(), ...folder.folders.keys()];
    const entries = names.reduce((sum, name) => sum + longNameEntries(name, "           ").length + 1, 2);
    return entries * ENTRY_BYTES;
  }

  #labelEntry(): Buffer {
    return entryOf(this.#request.label.padEnd(11).slice(0, 11), ATTRIBUTE_VOLUME, 0, 0);
  }

  #store(bytes: Uint8Array): number {
    const cluster = this.#reserve(bytes.length);
    this.#put(cluster, bytes);
    return cluster;
  }

  /** A row of clusters, chained. Answers the first. */
  #reserve(sizeBytes: number): number {
    const count = Math.ceil(sizeBytes / this.#clusterBytes);
    const first = this.#chain.length;
    if (first + count > this.#geometry.clusters + 2) throw this.#full();
    for (let index = 1; index < count; index += 1) this.#chain.push(first + index);
    this.#chain.push(this.#endMark);
    return first;
  }

  #put(cluster: number, bytes: Uint8Array): void {
    const offset = this.#rootOffset + ROOT_SECTORS * SECTOR_BYTES + (cluster - 2) * this.#clusterBytes;
    this.#volume.set(bytes, offset);
  }

  get #endMark(): number {
    return this.#geometry.isFat16 ? 0xffff : 0xfff;
  }

  #writeFats(): void {
    const { fatSectors, isFat16 } = this.#geometry;
    const table = Buffer.alloc(fatSectors * SECTOR_BYTES);
    this.#chain[0] = (this.#endMark & ~0xff) | MEDIA;
    this.#chain[1] = this.#endMark;
    for (const [cluster, next] of this.#chain.entries()) {
      if (isFat16) table.writeUInt16LE(next, 2 * cluster);
      else {
        const at = Math.floor(1.5 * cluster);
        const before = table.readUInt16LE(at);
        table.writeUInt16LE(
          cluster % 2 === 0 ? (before & 0xf000) | next : (before & 0x000f) | (next << 4),
          at,
        );
      }
    }
    for (let copy = 0; copy < FAT_COUNT; copy += 1)
      table.copy(this.#volume, (RESERVED_SECTORS + copy * fatSectors) * SECTOR_BYTES);
  }

  #writeBootSector(): void {
    const { sectors, sectorsPerCluster, fatSectors, isFat16 } = this.#geometry;
    const boot = this.#volume.subarray(0, SECTOR_BYTES);
    boot.set([0xeb, 0x3c, 0x90]);
    boot.write("SHEEPFLD", 3, "latin1");
    boot.writeUInt16LE(SECTOR_BYTES, 11);
    boot[13] = sectorsPerCluster;
    boot.writeUInt16LE(RESERVED_SECTORS, 14);
    boot[16] = FAT_COUNT;
    boot.writeUInt16LE(ROOT_ENTRIES, 17);
    if (sectors < 65_536) boot.writeUInt16LE(sectors, 19);
    else boot.writeUInt32LE(sectors, 32);
    boot[21] = MEDIA;
    boot.writeUInt16LE(fatSectors, 22);
    // Sectors per track and heads, as if it mattered.
    boot.writeUInt16LE(32, 24);
    boot.writeUInt16LE(64, 26);
    boot[36] = 0x80;
    boot[38] = 0x29;
    // The serial number is what tells two volumes apart: it follows from what is in them.
    const rest = createHash("sha256").update(this.#volume.subarray(SECTOR_BYTES)).digest();
    rest.copy(boot, 39, 0, 4);
    boot.write(this.#request.label.padEnd(11).slice(0, 11), 43, "latin1");
    boot.write(isFat16 ? "FAT16   " : "FAT12   ", 54, "latin1");
    boot.set([0x55, 0xaa], 510);
  }

  #full(): CodedError {
    const { label, sizeBytes } = this.#request;
    return new CodedError(
      "target-too-small",
      `The files do not fit on the volume ${label} of ${formatBytes(sizeBytes)}.`,
      {
        hint: "Make the identity partition larger, or the files fewer.",
      },
    );
  }
}

function entryOf(shortName: string, attribute: number, cluster: number, sizeBytes: number): Buffer {
  const entry = Buffer.alloc(ENTRY_BYTES);
  entry.write(shortName, 0, 11, "latin1");
  entry[11] = attribute;
  for (const at of [16, 18, 24]) entry.writeUInt16LE(DATE, at);
  entry.writeUInt16LE(cluster, 26);
  entry.writeUInt32LE(sizeBytes, 28);
  return entry;
}

function sorted<Value>(map: ReadonlyMap<string, Value>): [string, Value][] {
  return [...map].sort(([left], [right]) => (left < right ? -1 : Number(left > right)));
}
