// What adopting a store would change, for each way in which rows and store can differ.
import { expect, test } from "vitest";
import type { SnapshotRecord } from "#lib/model/snapshot.ts";
import { changesNothing, planAdoption, type RecordedSnapshot } from "./adoption.ts";

const IMAGE = {
  partition: "p1",
  sizeBytes: 10,
  technique: "diff",
  baseId: "snap_a",
  contentRoot: "00",
  newBytes: 1,
  storedBytes: 2,
  fillBytes: 3,
  unchangedBytes: 4,
  details: {},
} as const;

const record = (id: string, node = "pc-01"): SnapshotRecord => ({
  id,
  sequence: 1,
  node,
  createdAt: "2026-01-01T00:00:00.000Z",
  seconds: 1,
  parentId: null,
  purpose: "manual",
  comment: "",
  requestId: null,
  images: [IMAGE, { ...IMAGE, partition: "p2" }],
});
const row = ({ id, images }: SnapshotRecord): RecordedSnapshot => ({ id, verifyState: "never", images });

function planned(
  stored: readonly SnapshotRecord[],
  snapshots: readonly RecordedSnapshot[],
  names: string[] = [],
) {
  const store = { id: "r", path: "/r", blockSize: 4096, technique: "repository", snapshots: stored } as const;
  return planAdoption(store, { repositoryIsNew: false, snapshots, nodeNames: new Set(names) });
}

test("rows that say the same, in whatever order, change nothing", () => {
  const a = record("snap_a");
  const plan = planned([a], [{ ...row(a), images: [...a.images].reverse() }], ["pc-01"]);
  expect(changesNothing(plan)).toBe(true);
});

test("what has no row gets one, and each unknown name one node", () => {
  const [a, b, c] = [record("snap_a"), record("snap_b", "pc-02"), record("snap_c", "pc-02")];
  const plan = planned([a, b, c], [row(a)], ["pc-01"]);
  expect(plan).toMatchObject({ unrecorded: [b, c], differing: [], goneIds: [], newNodes: ["pc-02"] });
  expect(changesNothing(plan)).toBe(false);
});

test.each([
  ["base", { baseId: "snap_b" }],
  ["no base", { baseId: undefined }],
  ["technique", { technique: "full" as const }],
  ["size", { storedBytes: 99 }],
])("a row with another %s is made again", (_, change) => {
  const a = record("snap_a");
  const plan = planned(
    [a],
    [
      {
        ...row(a),
        images: [
          { ...IMAGE, ...change },
          { ...IMAGE, partition: "p2" },
        ],
      },
    ],
  );
  expect(plan.differing).toEqual([a]);
});

test("a row whose snapshot is gone is told of once", () => {
  const gone = row(record("snap_gone"));
  expect(planned([], [gone]).goneIds).toEqual(["snap_gone"]);
  expect(changesNothing(planned([], [{ ...gone, verifyState: "corrupt" }]))).toBe(true);
});
