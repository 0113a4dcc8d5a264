// The disks of simulated nodes: byte arrays that live as partitions do, a little at a time. Files appear, move,
// are copied from a neighbour, are overwritten with zeros; now and then a partition grows or shrinks.

import type { Chance } from "#lib/model/chance.ts";
import { CodedError } from "#lib/model/errors.ts";
import type { ByteSource, ByteTarget } from "../types.ts";

export const DISK_BYTES_MIN = 512;
export const DISK_BYTES_MAX = 3 * 1024 * 1024;

/** A size as partitions have it, or odd, or just beside a multiple of the page. */
export function anyDiskSize(chance: Chance): number {
  const size = chance.smallBetween(DISK_BYTES_MIN, DISK_BYTES_MAX);
  const grain = chance.pick([1, 512, 4096, 65536, 262144]);
  const rounded = Math.round(size / grain) * grain + (chance.happens(0.1) ? chance.pick([-1, 1]) : 0);
  return Math.min(DISK_BYTES_MAX, Math.max(DISK_BYTES_MIN, rounded));
}

/** A young disk: mostly empty, some areas written. */
export function newDisk(chance: Chance, sizeBytes = anyDiskSize(chance)): Uint8Array {
  const disk = new Uint8Array(sizeBytes);
  for (let count = chance.between(0, 6); count > 0; count--) writeSomewhere(disk, chance);
  return disk;
}

/** The same disk some work later. `neighbours` are disks that things are copied from. */
export function changedDisk(disk: Uint8Array, chance: Chance, neighbours: readonly Uint8Array[]): Uint8Array {
  if (chance.happens(0.08)) return resized(disk, anyDiskSize(chance), chance);
  const changed = new Uint8Array(disk);
  for (let count = chance.between(1, 5); count > 0; count--) changeOnce(changed, chance, neighbours);
  return changed;
}

function changeOnce(disk: Uint8Array, chance: Chance, neighbours: readonly Uint8Array[]): void {
  const deeds = [
    () => writeSomewhere(disk, chance),
    () => fillSomewhere(disk, chance),
    () => copySomewhere(disk, disk, chance),
    () => copySomewhere(chance.pick([disk, ...neighbours]), disk, chance),
    () => disk.set(chance.bytes(1), chance.between(0, disk.length - 1)),
  ];
  chance.pick(deeds)();
}

function resized(disk: Uint8Array, sizeBytes: number, chance: Chance): Uint8Array {
  const changed = new Uint8Array(sizeBytes);
  changed.set(disk.subarray(0, sizeBytes));
  if (sizeBytes > disk.length && chance.happens(0.5)) writeSomewhere(changed.subarray(disk.length), chance);
  return changed;
}

interface Area {
  readonly offset: number;
  readonly length: number;
}

/** File systems write whole blocks; damage does not. */
function anyArea(sizeBytes: number, chance: Chance): Area {
  const grain = chance.pick([1, 512, 4096, 4096, 4096]);
  const offset = Math.floor(chance.between(0, sizeBytes - 1) / grain) * grain;
  const length = Math.ceil(chance.smallBetween(1, 400_000) / grain) * grain;
  return { offset, length: Math.min(length, sizeBytes - offset) };
}

function writeSomewhere(disk: Uint8Array, chance: Chance): void {
  const { offset, length } = anyArea(disk.length, chance);
  disk.set(chance.happens(0.7) ? chance.text(length) : chance.bytes(length), offset);
}

function fillSomewhere(disk: Uint8Array, chance: Chance): void {
  const { offset, length } = anyArea(disk.length, chance);
  disk.fill(chance.pick([0, 0, 0, 0xff, 0xf6]), offset, offset + length);
}

function copySomewhere(from: Uint8Array, to: Uint8Array, chance: Chance): void {
  const area = anyArea(Math.min(from.length, to.length), chance);
  const offset = anyArea(to.length, chance).offset;
  to.set(from.slice(area.offset, area.offset + Math.min(area.length, to.length - offset)), offset);
}

export function sourceOf(disk: Uint8Array): ByteSource {
  return {
    sizeBytes: disk.length,
    read: async (offsetBytes, into) => {
      if (offsetBytes + into.length > disk.length) throw new Error("Bug: read beyond the end of the source");
      into.set(disk.subarray(offsetBytes, offsetBytes + into.length));
    },
  };
}

/** A source whose reads fail from byte `badByte` on, as a dying disk's do. */
export function failingSourceOf(disk: Uint8Array, badByte: number): ByteSource {
  const source = sourceOf(disk);
  return {
    sizeBytes: disk.length,
    read: async (offsetBytes, into) => {
      if (offsetBytes + into.length > badByte) {
        throw new CodedError("source-read-failed", `Simulated bad sector at byte ${badByte}.`);
      }
      await source.read(offsetBytes, into);
    },
  };
}

export interface SimulatedTarget extends ByteTarget {
  readonly bytes: Uint8Array;
  /** Counts bytes handed to write and zero. */
  touchedBytes: number;
  flushCount: number;
}

/** A target that fails at its n-th write, when `failWrite` says so: the PC was switched off. */
export function targetOf(bytes: Uint8Array, failWrite = Number.POSITIVE_INFINITY): SimulatedTarget {
  let writeCount = 0;
  const touch = (offsetBytes: number, lengthBytes: number) => {
    writeCount += 1;
    if (writeCount >= failWrite)
      throw new CodedError("target-write-failed", "Simulated power cut of the target.");
    if (offsetBytes + lengthBytes > bytes.length) throw new Error("Bug: write beyond the end of the target");
    target.touchedBytes += lengthBytes;
  };
  const target: SimulatedTarget = {
    bytes,
    touchedBytes: 0,
    flushCount: 0,
    sizeBytes: bytes.length,
    read: async (offsetBytes, into) => into.set(bytes.subarray(offsetBytes, offsetBytes + into.length)),
    write: async (offsetBytes, written) => {
      touch(offsetBytes, written.length);
      bytes.set(written, offsetBytes);
    },
    zero: async (offsetBytes, lengthBytes) => {
      touch(offsetBytes, lengthBytes);
      bytes.fill(0, offsetBytes, offsetBytes + lengthBytes);
    },
    flush: async () => {
      target.flushCount += 1;
    },
  };
  return target;
}
