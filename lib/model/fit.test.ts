import { describe, expect, test } from "vitest";
import { asReplaced, fitOfClone, fitOfOwn, type Image, imagesFor } from "./fit.ts";
import { DISK_LAYOUT, type DiskInfo } from "./node.ts";

const MIB = 1024 * 1024;

function disk(serial: string, partitions: Readonly<Record<string, number>>, sizeBytes = 200 * MIB): DiskInfo {
  const named = Object.entries(partitions).map(([name, bytes]) => ({
    ...{ name, label: "", typeName: "", offsetBytes: MIB, sizeBytes: bytes },
  }));
  return { serial, model: "m", sizeBytes, sectorSize: 512, partitions: named };
}

function image(partition: string, sizeBytes: number, serial = "MASTER", diskBytes = 200 * MIB): Image {
  return { partition, sizeBytes, details: { diskSerial: serial, partition, diskBytes: String(diskBytes) } };
}

const LAYOUT = image(DISK_LAYOUT, MIB);
const P1 = image("p1", 100 * MIB);
const LIKE_MASTER = { [DISK_LAYOUT]: MIB, p1: 100 * MIB };
const BLANK = { p1: 200 * MIB };
const SMALL = { [DISK_LAYOUT]: MIB, p1: MIB };

describe("a clone", () => {
  const CASES: readonly [string, readonly DiskInfo[], object][] = [
    ["goes to the disk like the master's", [disk("A", LIKE_MASTER)], { diskMap: { MASTER: "A" } }],
    ["goes to a blank disk of the same size", [disk("A", BLANK)], { diskMap: { MASTER: "A" } }],
    [
      "goes into a partition of the same size on a larger disk",
      [disk("A", LIKE_MASTER, 300 * MIB)],
      { diskMap: { MASTER: "A" } },
    ],
    [
      "finds the one disk that fits",
      [disk("A", SMALL), disk("B", LIKE_MASTER)],
      { diskMap: { MASTER: "B" } },
    ],
    [
      "does not guess between two",
      [disk("A", LIKE_MASTER), disk("B", LIKE_MASTER)],
      { reason: "disk-ambiguous" },
    ],
    ["needs a disk", [], { reason: "disk-missing" }],
    ["needs one that fits", [disk("A", SMALL), disk("B", SMALL)], { reason: "disk-missing" }],
    [
      "needs the partition",
      [disk("A", { [DISK_LAYOUT]: MIB, p2: 100 * MIB })],
      { reason: "partition-missing" },
    ],
    ["needs room", [disk("A", { [DISK_LAYOUT]: MIB, p1: 99 * MIB })], { reason: "disk-too-small" }],
    [
      "leaves a larger partition alone",
      [disk("A", { [DISK_LAYOUT]: MIB, p1: 101 * MIB })],
      { reason: "layout-differs" },
    ],
    ["refuses a smaller blank disk", [disk("A", { p1: 150 * MIB }, 150 * MIB)], { reason: "disk-too-small" }],
    ["refuses a larger blank disk", [disk("A", { p1: 250 * MIB }, 250 * MIB)], { reason: "layout-differs" }],
  ];
  for (const [what, disks, expected] of CASES) {
    test(what, () => expect(fitOfClone([LAYOUT, P1], disks)).toMatchObject(expected));
  }

  test("of two disks goes to two disks", () => {
    const images = [P1, image("p1", 50 * MIB, "DATA")];
    const disks = [disk("X", { p1: 50 * MIB }), disk("Y", { p1: 100 * MIB })];
    expect(fitOfClone(images, disks)).toEqual({ diskMap: { MASTER: "Y", DATA: "X" } });
  });

  test("of a partition archived by hand goes to the PC's disk", () => {
    const byHand = { partition: "p1", sizeBytes: 100 * MIB, details: {} };
    expect(fitOfClone([byHand], [disk("A", LIKE_MASTER)])).toEqual({ diskMap: { "": "A" } });
  });
});

describe("what goes to the PC", () => {
  const map = { MASTER: "A" };
  const namesOf = (disks: DiskInfo[]) =>
    imagesFor([LAYOUT, P1], map, disks).map(({ partition }) => partition);

  test("names the PC's disk", () => {
    const [first] = imagesFor([P1], map, [disk("A", LIKE_MASTER)]);
    expect(first?.details.diskSerial).toBe("A");
  });

  test("the layout goes along to a disk of the same size, and to one without a table", () => {
    expect(namesOf([disk("A", LIKE_MASTER)])).toEqual([DISK_LAYOUT, "p1"]);
    expect(namesOf([disk("A", { p1: 300 * MIB }, 300 * MIB)])).toEqual([DISK_LAYOUT, "p1"]);
  });

  test("the layout stays behind when the disk has another size and its own partitions", () => {
    expect(namesOf([disk("A", LIKE_MASTER, 300 * MIB)])).toEqual(["p1"]);
  });

  test("without a map everything goes where it came from", () => {
    expect(imagesFor([P1], {}, [disk("A", LIKE_MASTER)])).toEqual([P1]);
  });
});

test("a PC's own snapshot never goes to another disk, even one that fits", () => {
  expect(fitOfOwn([LAYOUT, P1], [disk("A", LIKE_MASTER)])).toMatchObject({ reason: "disk-missing" });
  expect(fitOfOwn([LAYOUT, P1], [disk("MASTER", LIKE_MASTER)])).toEqual({ diskMap: { MASTER: "MASTER" } });
});

describe("replacing partition tables", () => {
  const other = disk("A", { [DISK_LAYOUT]: MIB, p1: 50 * MIB, p2: 40 * MIB });

  test("a disk partitioned otherwise is refused, unless its table may go", () => {
    expect(fitOfClone([LAYOUT, P1], [other])).toMatchObject({ reason: "disk-too-small" });
    const replaced = asReplaced([LAYOUT, P1], [other]);
    expect(fitOfClone([LAYOUT, P1], replaced)).toEqual({ diskMap: { MASTER: "A" } });
    expect(imagesFor([LAYOUT, P1], { MASTER: "A" }, replaced)).toHaveLength(2);
  });

  test("a disk of another size keeps its table: the snapshot's would not fit it", () => {
    const larger = disk("A", LIKE_MASTER, 300 * MIB);
    expect(asReplaced([LAYOUT, P1], [larger])).toEqual([larger]);
  });

  test("a snapshot without a table replaces none", () => {
    expect(asReplaced([P1], [other])).toEqual([other]);
  });
});
