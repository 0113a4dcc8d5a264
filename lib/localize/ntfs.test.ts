// What is read from an NTFS volume's own records, on a small volume made here byte by byte: Windows makes records that no tool at hand
// does. Real volumes are in worker/localize/refusals.integration.test.ts.
import { describe, expect, test } from "vitest";
import type { TokenPlace } from "#lib/model/localization.ts";
import { ObstacleScanner } from "./obstacles.ts";

const MIB = 1024 * 1024;
const CLUSTER_BYTES = 4096;
const RECORDS_OFFSET = 16 * CLUSTER_BYTES;
const LOG_OFFSET = 8 * CLUSTER_BYTES;
/** [length, distance from the last one; 0: a hole], in clusters. */
type Run = readonly [number, number];

function volume(recordBytes = 1024): Buffer {
  const image = Buffer.alloc(MIB);
  image.write("NTFS    ", 3, "latin1");
  image.writeUInt16LE(512, 11);
  image[13] = CLUSTER_BYTES / 512;
  image.writeInt8(-Math.log2(recordBytes), 0x40);
  return image;
}

interface RecordRequest {
  readonly runs: readonly Run[];
  readonly recordBytes?: number;
  readonly number?: number;
  readonly dataFlags?: number;
  readonly recordFlags?: number;
  /** Of what stands before the data: names, for example. */
  readonly beforeBytes?: number;
}

function record(request: RecordRequest): Buffer {
  const {
    runs,
    recordBytes = 1024,
    number = 65,
    dataFlags = 1,
    recordFlags = 1,
    beforeBytes = 200,
  } = request;
  const bytes = Buffer.alloc(recordBytes);
  const sectors = recordBytes / 512;
  bytes.write("FILE", 0, "latin1");
  bytes.writeUInt16LE(48, 4);
  bytes.writeUInt16LE(sectors + 1, 6);
  const first = 48 + 2 * (sectors + 1) + 6;
  bytes.writeUInt16LE(first, 20);
  bytes.writeUInt16LE(recordFlags, 22);
  bytes.writeUInt32LE(number, 44);
  bytes.writeUInt32LE(0x30, first);
  bytes.writeUInt32LE(beforeBytes, first + 4);
  const data = first + beforeBytes;
  const packed = Buffer.concat([
    ...runs.map(([length, distance]) =>
      distance === 0 ? Buffer.from([0x01, length]) : Buffer.from([0x11, length, distance & 0xff]),
    ),
    Buffer.from([0]),
  ]);
  bytes.writeUInt32LE(0x80, data);
  bytes.writeUInt32LE(72 + packed.length, data + 4);
  bytes[data + 8] = 1;
  bytes.writeUInt16LE(dataFlags, data + 12);
  bytes.writeUInt16LE(72, data + 32);
  packed.copy(bytes, data + 72);
  bytes.writeUInt32LE(0xffffffff, data + 72 + packed.length);
  // As the disk holds it: a counter at each sector's end.
  bytes.writeUInt16LE(0x4242, 48);
  for (let index = 1; index <= sectors; index += 1) {
    bytes.copy(bytes, 48 + 2 * index, index * 512 - 2, index * 512);
    bytes.writeUInt16LE(0x4242, index * 512 - 2);
  }
  return bytes;
}

function reasons(image: Buffer, cluster = 0, stretch = 64 * 1024): string[] {
  const scanner = new ObstacleScanner();
  for (let from = 0; from < image.length; from += stretch) scanner.push(image.subarray(from, from + stretch));
  const place: TokenPlace = {
    ...{ offsetBytes: cluster * CLUSTER_BYTES + 100, lengthBytes: 20, encoding: "utf8", name: "host" },
  };
  return scanner.obstacles([place]).map(({ reason }) => reason);
}

function withRecord(request: RecordRequest, at = RECORDS_OFFSET): Buffer {
  const image = volume(request.recordBytes);
  record(request).copy(image, at);
  return image;
}

/** As Windows compresses a file: two clusters, and a hole where fourteen were. */
const compressed = (units: number): Run[] =>
  Array.from({ length: units }, (_, index): readonly Run[] => [
    [2, index === 0 ? 64 : 2],
    [14, 0],
  ]).flat();

describe("a token in a compressed NTFS file is refused", () => {
  test("in its first clusters and in its last, whose runs lie behind the end of a sector of the record", () => {
    for (const beforeBytes of [200, 201, 202, 203, 204, 205]) {
      const image = withRecord({ runs: compressed(60), beforeBytes });
      expect(reasons(image, 64)).toEqual(["compressed"]);
      expect(reasons(image, 64 + 2 * 60 - 1)).toEqual(["compressed"]);
      expect(reasons(image, 64 + 2 * 60)).toEqual([]);
      expect(reasons(image, 63)).toEqual([]);
    }
  });

  test("when records have 4096 bytes, as on disks with sectors of that size", () => {
    const image = withRecord({ runs: compressed(60), recordBytes: 4096, beforeBytes: 1600 });
    expect(reasons(image, 100)).toEqual(["compressed"]);
    expect(reasons(image, 100, 512)).toEqual(["compressed"]);
  });

  test("wherever the record lies and is cut, when clusters are smaller than records", () => {
    const image = withRecord({ runs: [[2, 100]] }, 128 * 1024 - 512);
    image[13] = 1;
    expect(reasons(image, 100 / 8)).toEqual(["compressed"]);
  });

  test("not in a file that was deleted, is not compressed, or whose record was torn", () => {
    const torn = withRecord({ runs: compressed(3) });
    torn.writeUInt16LE(0x4141, RECORDS_OFFSET + 1022);
    expect(reasons(torn, 64)).toEqual([]);
    expect(reasons(withRecord({ runs: compressed(3), recordFlags: 0 }), 64)).toEqual([]);
    expect(reasons(withRecord({ runs: compressed(3), dataFlags: 0 }), 64)).toEqual([]);
  });
});

describe("NTFS that Windows has not let go of is refused", () => {
  interface Page {
    readonly sequence: number;
    readonly isInUse?: boolean;
    readonly isClean?: boolean;
    readonly majorVersion?: number;
  }

  function withLog(...pages: readonly Page[]): Buffer {
    const image = withRecord({ runs: [[4, LOG_OFFSET / CLUSTER_BYTES]], number: 2, dataFlags: 0 });
    for (const [index, { sequence, isInUse = true, isClean = false, majorVersion = 1 }] of pages.entries()) {
      const page = image.subarray(LOG_OFFSET + 4096 * index);
      page.write("RSTR", 0, "latin1");
      page.writeUInt32LE(4096, 16);
      page.writeUInt16LE(48, 24);
      page.writeUInt16LE(majorVersion, 28);
      page.writeBigUInt64LE(BigInt(sequence), 48);
      page.writeUInt16LE(isInUse ? 0 : 0xffff, 60);
      page.writeUInt16LE(isClean ? 2 : 0, 62);
    }
    return image;
  }
  const CASES: readonly [string, readonly Page[], string[]][] = [
    ["whose log was never written", [], []],
    ["with changes in its log", [{ sequence: 1 }, { sequence: 2 }], ["not-unmounted"]],
    ["shut down with fast start-up", [{ sequence: 1, isClean: true, majorVersion: 2 }], ["not-unmounted"]],
    ["shut down", [{ sequence: 1 }, { sequence: 2, isClean: true }], []],
    ["that nobody uses", [{ sequence: 2, isInUse: false }, { sequence: 1 }], []],
    ["in use again", [{ sequence: 3 }, { sequence: 2, isClean: true }], ["not-unmounted"]],
  ];
  for (const [which, pages, expected] of CASES) {
    test(`${which}: ${expected.length === 0 ? "it is not" : "it is"}`, () => {
      expect(reasons(withLog(...pages))).toEqual(expected);
      expect(reasons(withLog(...pages), 0, 4096)).toEqual(expected);
    });
  }

  test("what looks like a page of a log in some other file says nothing", () => {
    const image = withLog({ sequence: 2, isClean: true });
    image.copy(image, 100 * CLUSTER_BYTES, LOG_OFFSET, LOG_OFFSET + 512);
    image.writeUInt16LE(0, 100 * CLUSTER_BYTES + 62);
    expect(reasons(image)).toEqual([]);
  });
});
