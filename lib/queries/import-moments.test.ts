import { expect, test } from "vitest";
import { importMoments } from "./import-moments.ts";

const at = (nodeId: string, minute: number) => ({
  snapshotId: `snap_${nodeId}_${minute}`,
  nodeId,
  createdAt: new Date(Date.UTC(2026, 0, 1, 8, minute)).toISOString(),
});

test("snapshots of different nodes close together are one moment", () => {
  const moments = importMoments([at("a", 0), at("b", 2), at("c", 4)]);
  expect(moments.map((found) => found.snapshots.length)).toEqual([3]);
});

test("a node's second snapshot begins a new moment", () => {
  const moments = importMoments([at("a", 0), at("b", 1), at("a", 2), at("b", 3)]);
  expect(moments.map((found) => found.snapshots.length)).toEqual([2, 2]);
});

test("a pause begins a new moment", () => {
  expect(importMoments([at("a", 0), at("b", 30)])).toHaveLength(2);
});
