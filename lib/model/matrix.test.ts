import { expect, test } from "vitest";
import { cellWords, decideCells, type MatrixMoment, NEVER_CAPTURED, type NodeEvent } from "./matrix.ts";

const moment = (id: string): MatrixMoment => ({
  id,
  jobId: id,
  kind: "snapshot-node",
  title: id,
  at: "2026-01-01T00:00:00.000Z",
  state: "succeeded",
  capturedUntil: null,
  capturedCount: 0,
});
const version = (number: number) => ({
  snapshotId: `snap_${number}`,
  number,
  nodeName: "pc",
  createdAt: "2026-01-01T00:00:00.000Z",
});
const event = (momentId: string, change: Partial<NodeEvent>): NodeEvent => ({
  momentId,
  event: "captured",
  kind: "archive",
  version: null,
  begun: true,
  failure: null,
  changedBytes: null,
  ...change,
});
const moments = ["a", "b", "c", "d"].map(moment);
const states = (events: readonly NodeEvent[]) =>
  decideCells(NEVER_CAPTURED, moments, events).map((cell) => cellWords(cell, "pc"));

test("a cell shows the state after the moment, not the last job's result", () => {
  expect(
    states([
      event("a", { version: version(1) }),
      event("b", { event: "failed", begun: true }),
      event("d", { event: "rolled-back", kind: "restore", version: version(1) }),
    ]),
  ).toEqual(["snapshot taken, v1", "snapshot failed, v1", "unchanged, v1", "rolled back, v1"]);
});

test("a roll back shows the version gone back to, and later moments keep it", () => {
  expect(
    states([
      event("a", { version: version(1) }),
      event("b", { version: version(2) }),
      event("c", { event: "rolled-back", kind: "restore", version: version(1) }),
    ]),
  ).toEqual(["snapshot taken, v1", "snapshot taken, v2", "rolled back, v1", "unchanged, v1"]);
});

test("a restore that failed after it began leaves the state uncertain until the next good one", () => {
  expect(
    states([
      event("a", { version: version(1) }),
      event("b", { event: "failed", kind: "restore", version: version(1), begun: true }),
      event("d", { event: "rolled-back", kind: "restore", version: version(1) }),
    ]),
  ).toEqual([
    "snapshot taken, v1",
    "roll back failed, v1, uncertain",
    "unchanged, v1, uncertain",
    "rolled back, v1",
  ]);
});

test("a clone shows whose version it is", () => {
  const cloned = { ...version(3), nodeName: "master" };
  expect(states([event("b", { event: "cloned", kind: "restore", version: cloned })])).toEqual([
    "never captured",
    "cloned, master v3",
    "unchanged, master v3",
    "unchanged, master v3",
  ]);
});

test("a restore that never began changes nothing", () => {
  expect(
    states([
      event("a", { version: version(1) }),
      event("b", { event: "failed", kind: "restore", begun: false }),
      event("c", { event: "skipped", kind: "restore", begun: false }),
    ]),
  ).toEqual(["snapshot taken, v1", "roll back failed, v1", "roll back skipped, v1", "unchanged, v1"]);
});

test("a node without snapshots is never captured in every moment", () => {
  expect(states([])).toEqual(Array(4).fill("never captured"));
});

test("a window that starts later begins with what was effective before it", () => {
  const cells = decideCells({ version: version(7), certain: true }, moments, []);
  expect(cells.map((cell) => cell.version?.number)).toEqual([7, 7, 7, 7]);
});
