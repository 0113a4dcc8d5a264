import { expect, test } from "vitest";
import { lanesOf } from "./job-lanes.ts";

const part = (
  nodeId: string | null,
  state: "succeeded" | "running" | "waiting" | "failed" | "cancelled",
) => ({
  nodeId,
  state,
});

test("a PC's parts are one lane, which shows the part it is at", () => {
  const tasks = [
    part("a", "succeeded"),
    part("a", "running"),
    part("a", "waiting"),
    part("b", "failed"),
    part("b", "cancelled"),
    part("c", "succeeded"),
    part("c", "succeeded"),
  ];
  const lanes = lanesOf(tasks);
  expect(lanes.map(({ current }) => current)).toEqual([tasks[1], tasks[3], tasks[6]]);
  expect(lanes.map(({ parts }) => parts.length)).toEqual([3, 2, 2]);
});

test("work on the repository is a lane of its own each", () => {
  expect(lanesOf([part(null, "running"), part(null, "waiting")])).toHaveLength(2);
});
