// The routes of the repository's jobs, called as Next calls them: each makes its job once, and who may not is told so.
import { afterAll, beforeAll, expect, test } from "vitest";
import { createApiToken } from "#lib/auth/api-tokens.ts";
import { findJob } from "#lib/db/jobs.ts";
import { makeNode, makeSnapshot, makeViewer, unique } from "#lib/db/test-rows.ts";
import { createTestDatabase, type TestDatabase } from "#lib/db/testing.ts";
import { closeQueue } from "#lib/queue/enqueue.ts";
import { checkEveryAnswer } from "./check-answers.ts";
import { POST as collect } from "./v1/collections/route.ts";
import { POST as evaluate, GET as evaluations } from "./v1/evaluations/route.ts";
import { POST as prune } from "./v1/prunes/route.ts";
import { POST as reSegment } from "./v1/re-segmentations/route.ts";
import { POST as scrub } from "./v1/scrubs/route.ts";
import { POST as pin, DELETE as unpin } from "./v1/snapshots/[snapshotId]/pin/route.ts";

checkEveryAnswer();

const NONE = { params: Promise.resolve({}) };
let db: TestDatabase;
const tokens: Record<string, string> = {};

beforeAll(async () => {
  db = await createTestDatabase();
  for (const role of ["viewer", "operator", "admin"] as const) {
    tokens[role] = await createApiToken((await makeViewer(role)).id, role);
  }
});
afterAll(async () => {
  await closeQueue();
  await db.drop();
});

function ask(role: string, body?: object, key: string = unique("request")): Request {
  const headers = { authorization: `Bearer ${tokens[role]}`, "idempotency-key": key };
  if (body === undefined) return new Request("http://localhost/api", { headers });
  return new Request("http://localhost/api", { method: "POST", headers, body: JSON.stringify(body) });
}

test.each([
  ["collections", collect, { isPlan: true }, { kind: "gc", options: { isPlan: true } }],
  [
    "scrubs",
    scrub,
    { deep: true, secondsMax: 60 },
    { kind: "scrub", options: { deep: true, secondsMax: 60 } },
  ],
  [
    "re-segmentations",
    reSegment,
    { bytesMax: 4096, secondsMax: 60 },
    { kind: "re-segment", options: { bytesMax: 4096, secondsMax: 60, level: null } },
  ],
] as const)("POST %s makes its job once; a viewer may not", async (_, post, body, expected) => {
  const key = unique("request");
  const first = await post(ask("operator", body, key), NONE);
  expect(first.status).toBe(202);
  const { jobId } = await first.json();
  expect(await findJob(jobId)).toMatchObject(expected);
  expect(await (await post(ask("operator", body, key), NONE)).json()).toEqual({ jobId });
  expect((await post(ask("viewer", body), NONE)).status).toBe(403);
  expect((await post(ask("operator", { ...body, secondsMax: -1 }), NONE)).status).toBe(400);
});

test("POST evaluations takes a PC or named snapshots; GET shows none before one has rows", async () => {
  const node = await makeNode();
  const [older, newer] = [await makeSnapshot(node.name, new Date(1)), await makeSnapshot(node.name)];
  const { jobId } = await (await evaluate(ask("operator", { nodeId: node.id }), NONE)).json();
  expect((await findJob(jobId))?.options).toMatchObject({
    snapshotIds: [older.id, newer.id],
    base: "previous",
  });
  const named = { snapshotIds: [newer.id], blockSizes: [65536, 512, 512], compressions: ["zstd:3", "none"] };
  const second = await (await evaluate(ask("operator", named), NONE)).json();
  expect((await findJob(second.jobId))?.options).toMatchObject({
    snapshotIds: [newer.id],
    blockSizes: [512, 65536],
  });
  expect((await evaluate(ask("operator", {}), NONE)).status).toBe(400);
  expect(await (await evaluations(ask("viewer"), NONE)).json()).toEqual({ items: [], next: null });
});

test("a snapshot is pinned with a reason and unpinned, once each; a viewer may do neither", async () => {
  const { id } = await makeSnapshot((await makeNode()).name);
  const of = (snapshotId: string) => ({ params: Promise.resolve({ snapshotId }) });
  const key = unique("request");
  const first = await pin(ask("operator", { reason: "the exam" }, key), of(id));
  expect(first.status).toBe(202);
  const { jobId } = await first.json();
  expect(await findJob(jobId)).toMatchObject({
    kind: "pin",
    options: { snapshotId: id, reason: "the exam" },
  });
  expect(await (await pin(ask("operator", { reason: "the exam" }, key), of(id))).json()).toEqual({ jobId });
  const second = await unpin(ask("operator"), of(id));
  expect(second.status).toBe(202);
  expect((await findJob((await second.json()).jobId))?.options).toEqual({ snapshotId: id, reason: null });
  for (const reason of ["", "   ", "x".repeat(1025)]) {
    expect((await pin(ask("operator", { reason }), of(id))).status).toBe(400);
  }
  expect((await pin(ask("viewer", { reason: "mine" }), of(id))).status).toBe(403);
  expect((await unpin(ask("viewer"), of(id))).status).toBe(403);
  const unknown = await pin(ask("operator", { reason: "who?" }), of("snap_nowhere"));
  expect(await unknown.json()).toMatchObject({ code: "snapshot-unknown" });
});

test("POST prunes is an administrator's, needs rules, and applies nothing but a plan", async () => {
  await makeSnapshot((await makeNode()).name);
  expect((await prune(ask("operator", {}), NONE)).status).toBe(403);
  expect((await prune(ask("admin", {}), NONE)).status).toBe(400);
  const { jobId } = await (await collect(ask("admin", {}), NONE)).json();
  const refused = await prune(ask("admin", { planJobId: jobId }), NONE);
  expect(await refused.json()).toMatchObject({ code: "plan-unknown" });
});
