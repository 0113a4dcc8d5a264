import { expect, test } from "vitest";
import { EXIT, EXIT_OF_FAILURE, exitCodeTable } from "./exit-codes.ts";
import { parseSnapshotReference } from "./image-entry.ts";
import { facts, progressLine, table } from "./output.ts";

const GIB = 2 ** 30;

test("progress shows share, bytes, rate and time left", () => {
  expect(progressLine({ doneBytes: GIB, totalBytes: 2 * GIB }, GIB / 4)).toBe(
    "[############------------]  50 %  1.00 GiB of 2.00 GiB  256 MiB/s  4.0 s left",
  );
  expect(progressLine({ doneBytes: 0, totalBytes: 0 }, null)).toContain("100 %");
});

test("a table aligns words left and numbers right", () => {
  const text = table(
    ["NAME", "SIZE"],
    [
      ["a", "5"],
      ["longer", "10000"],
    ],
    ["SIZE"],
  );
  expect(text).toBe("NAME     SIZE\na           5\nlonger  10000");
  expect(
    facts([
      ["a", "1"],
      ["bcd", "2"],
    ]),
  ).toBe("a    1\nbcd  2");
});

test("a snapshot reference is an id with or without a partition", () => {
  expect(parseSnapshotReference("snap_1")).toEqual({ id: "snap_1", partition: null });
  expect(parseSnapshotReference("snap_1:sda1:x")).toEqual({ id: "snap_1", partition: "sda1:x" });
});

test("the exit codes scripts rely on stay what they are", () => {
  expect(EXIT).toEqual({
    ok: 0,
    internal: 1,
    usage: 2,
    damage: 3,
    refused: 4,
    notFound: 5,
    unreadable: 6,
    storage: 7,
    locked: 8,
    interrupted: 130,
  });
  expect(EXIT_OF_FAILURE["storage-full"]).toBe(7);
  for (const code of Object.values(EXIT)) expect(exitCodeTable()).toMatch(new RegExp(`^ +${code} `, "m"));
});
