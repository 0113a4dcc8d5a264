import { expect, test } from "vitest";
import { countReadiness, readinessOf } from "./room-readiness.ts";

const NOW = Date.parse("2026-03-01T10:00:00Z");
const ready = {
  lastSeenAt: "2026-03-01T09:59:50Z",
  lastSnapshotAt: "2026-02-28T22:00:00Z",
  lastTaskState: "succeeded",
  busy: false,
};

test("a node counts under the most pressing of what is true of it", () => {
  expect(readinessOf(ready, NOW)).toBe("ready");
  expect(readinessOf({ ...ready, busy: true, lastTaskState: "failed" }, NOW)).toBe("busy");
  expect(readinessOf({ ...ready, lastTaskState: "failed", lastSeenAt: null }, NOW)).toBe("failed");
  expect(readinessOf({ ...ready, lastSnapshotAt: null, lastTaskState: null }, NOW)).toBe("unprotected");
  expect(readinessOf({ ...ready, lastSeenAt: "2026-03-01T09:30:00Z" }, NOW)).toBe("offline");
});

test("every node is counted exactly once", () => {
  const counts = countReadiness([ready, { ...ready, busy: true }, { ...ready, lastSeenAt: null }], NOW);
  expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(3);
});
