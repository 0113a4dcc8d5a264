// Hives as Windows lays them out, read exactly; and damaged ones, which are refused and never read beyond their end. That hivexsh reads
// the same hives the same way is in change-hive.integration.test.ts.
import { expect, test } from "vitest";
import { CodedError } from "#lib/model/errors.ts";
import { noise } from "../test-disk.ts";
import { Hive } from "./hive.ts";
import { hiveOf, type TestKey } from "./test-hive.ts";

const VALUES = [
  { name: "", type: 1, data: Buffer.from("default\0", "utf16le") },
  { name: "Größe", type: 4, data: Buffer.from([1, 2, 3, 4]) },
  { name: "Empty", type: 3, data: Buffer.alloc(0) },
  { name: "Pieces", type: 3, data: noise(1, 50_000) },
];
const services = (list: TestKey["list"]): TestKey => ({
  name: "Services",
  list,
  keys: Array.from({ length: 700 }, (_, index) => ({ name: `Service ${index}`, values: VALUES.slice(1, 2) })),
});

for (const list of ["lh", "lf", "li", "ri"] as const) {
  test(`keys are found in lists of kind ${list}, whatever their case`, () => {
    const hive = new Hive(hiveOf({ keys: [services(list)] }), "/SYSTEM");
    for (const name of ["Service 0", "SERVICE 349", "service 350", "Service 699"]) {
      const { key } = hive.find(["services", name]);
      expect(key === null ? null : hive.values(key)).toEqual(VALUES.slice(1, 2));
    }
    expect(hive.find(["Services", "Service 700"])).toEqual({ key: null, missing: 1 });
    expect(hive.find(["Services", "Service 1", "a", "b"])).toEqual({ key: null, missing: 2 });
    expect(hive.find(["None", "Service 1"])).toEqual({ key: null, missing: 2 });
  });
}

test("values are read byte by byte: inline, empty, in a cell, and in pieces", () => {
  const hive = new Hive(hiveOf({ values: VALUES }), "/SOFTWARE");
  expect(hive.values(hive.root)).toEqual(VALUES);
  expect(new Hive(hiveOf(), "/SOFTWARE").find([])).toMatchObject({ missing: 0 });
});

test("a hive with unequal sequence numbers or a wrong checksum is refused, and what is none", () => {
  const dirty = hiveOf();
  dirty.writeUInt32LE(2, 4);
  const damaged = hiveOf();
  damaged.writeUInt8(9, 0x30);
  for (const [bytes, words] of [
    [dirty, "not written to its end"],
    [damaged, "checksum"],
    [hiveOf().subarray(0, 5000), "no registry hive"],
    [Buffer.alloc(10_000), "no registry hive"],
  ] as const) {
    expect(() => new Hive(bytes, "/SYSTEM")).toThrow(
      expect.objectContaining({ code: "recipe-refused", message: expect.stringContaining(words) }),
    );
  }
});

test("damage anywhere is refused or not noticed, but never a crash", () => {
  const whole = hiveOf({ keys: [services("ri")], values: VALUES });
  const places = noise(7, 1500 * 8);
  let refused = 0;
  for (let round = 0; round < 1500; round += 1) {
    const bytes = Buffer.from(whole);
    // The first pages hold the keys' structures; a byte in a far piece of data changes no structure.
    const at = 0x1000 + (places.readUInt32LE(round * 8) % 0x4000);
    bytes.writeUInt8(places.readUInt8(round * 8 + 4), at);
    try {
      const hive = new Hive(bytes, "/SYSTEM");
      hive.values(hive.root);
      const { key } = hive.find(["Services", `Service ${round % 700}`]);
      if (key !== null) hive.values(key);
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(CodedError);
      refused += 1;
    }
  }
  expect(refused).toBeGreaterThan(0);
});
