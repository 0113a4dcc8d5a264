// How many tasks run at once, however many agents ask at the same moment.
import { expect, test } from "vitest";
import { LEASES_MAX, Leases } from "./leases.ts";

test("no more places are kept than there are, and one given back is there for the next", () => {
  const leases = new Leases();
  const asked = Array.from({ length: 200 }, () => leases.reserve());
  expect(asked.filter((kept) => kept)).toHaveLength(LEASES_MAX);
  leases.unreserve();
  expect(leases.reserve()).toBe(true);
  expect(leases.reserve()).toBe(false);
});

test("a lease takes the place kept for it until it ends", () => {
  const leases = new Leases();
  for (let number = 0; number < LEASES_MAX; number++) {
    expect(leases.reserve()).toBe(true);
    leases.add(leaseOf(`task_${number}`));
    leases.unreserve();
  }
  expect(leases.reserve()).toBe(false);
  leases.end("task_7");
  expect(leases.reserve()).toBe(true);
});

function leaseOf(taskId: string): Parameters<Leases["add"]>[0] {
  const words = { taskId, jobId: "job_1", nodeName: "pc", attempt: 1, comment: "" };
  return {
    leaseId: `token_${taskId}`,
    nodeId: "node_1",
    keyHash: "0",
    task: {
      ...words,
      kind: "archive",
      snapshotId: null,
      diskMap: null,
      replacesLayout: false,
      localizationId: null,
      writtenFrom: null,
      peers: [],
      purpose: "manual",
      storage: {},
      disks: [],
    },
    message: { kind: "archive", taskId, leaseId: `token_${taskId}`, snapshotId: "snap_1", images: [] },
    startedMs: 0,
    lastHeardMs: 0,
    ended: new AbortController(),
    readers: new Map(),
    localized: new Map(),
  };
}
