import { describe, expect, test } from "vitest";
import { fromAddressRange, fromPattern, fromPool, type Seat } from "./generators.ts";

const SEATS: readonly Seat[] = [
  { nodeId: "n1", name: "pc-1", seat: 1 },
  { nodeId: "n2", name: "pc-2", seat: 12 },
  { nodeId: "n3", name: "pc-3", seat: null },
];
const SEATED = SEATS.slice(0, 2);
const values = (generated: readonly { value: string }[]) => generated.map(({ value }) => value);
const invalid = expect.objectContaining({ code: "input-invalid" });

describe("a pattern", () => {
  test("counts by seat, by order, and names", () => {
    expect(values(fromPattern("LAB-A-{seat:02}", SEATED))).toEqual(["LAB-A-01", "LAB-A-12"]);
    expect(values(fromPattern("{index:03}/{node}", SEATS))).toEqual(["001/pc-1", "002/pc-2", "003/pc-3"]);
    expect(values(fromPattern("same", SEATED))).toEqual(["same", "same"]);
  });
  test("says which PC has no seat, and which part it does not know", () => {
    expect(() => fromPattern("{seat}", SEATS)).toThrow("pc-3 has no seat");
    for (const pattern of ["{seats}", "{seat:2}", "{node:02}", "{}"])
      expect(() => fromPattern(pattern, SEATED)).toThrow(invalid);
  });
});

describe("a range of addresses", () => {
  test("goes over the end of a byte and leaves out what is taken", () => {
    const taken = new Set(["10.0.0.255"]);
    expect(values(fromAddressRange("10.0.0.254-10.0.1.9", SEATS, taken))).toEqual([
      "10.0.0.254",
      "10.0.1.0",
      "10.0.1.1",
    ]);
    expect(values(fromAddressRange("255.255.255.254 - 255.255.255.255", SEATED))).toEqual([
      "255.255.255.254",
      "255.255.255.255",
    ]);
  });
  test("is refused when it is too short, turned round or none", () => {
    for (const range of [
      "10.0.0.1-10.0.0.2",
      "10.0.0.9-10.0.0.1",
      "10.0.0.256-10.0.1.9",
      "10.0.0",
      "",
      "a-b",
    ])
      expect(() => fromAddressRange(range, SEATS)).toThrow(invalid);
  });
});

describe("a pool", () => {
  test("gives each value as often as it stands there", () => {
    expect(values(fromPool(["A", "B", "B", "C"], SEATED, ["A", "B"]))).toEqual(["B", "C"]);
  });
  test("says how many are free when they are too few", () => {
    expect(() => fromPool(["A", "B"], SEATS, ["A"])).toThrow(
      "The pool has 1 free values, and 3 PCs need one.",
    );
  });
});
