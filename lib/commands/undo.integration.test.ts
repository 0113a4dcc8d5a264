// A roll back that can be undone, against a real database: a snapshot of each PC first, and a plan that leads back to it.
import { afterAll, beforeAll, expect, test } from "vitest";
import { database } from "#lib/db/client.ts";
import { requireJob, tasksOfJob } from "#lib/db/jobs.ts";
import { makeGroup, makeNode, makeSnapshot, unique } from "#lib/db/test-rows.ts";
import { createTestDatabase, type TestDatabase } from "#lib/db/testing.ts";
import { applyRestorePlan } from "./apply-restore-plan.ts";
import { planRestore } from "./plan-restore.ts";

let db: TestDatabase;
const OPERATOR = { id: "user_operator", name: "O", email: "o@example.org", role: "operator" as const };

beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

async function room(pcCount: number) {
  const group = await makeGroup();
  const nodes: { id: string; name: string }[] = [];
  for (let index = 0; index < pcCount; index += 1) nodes.push(await makeNode(group.id));
  for (const { name } of nodes) await makeSnapshot(name);
  return { group, nodes, at: new Date(Date.now() + 1_000).toISOString() };
}

async function apply(plan: Awaited<ReturnType<typeof planRestore>>): Promise<string> {
  const words = { requestId: unique("request"), confirmName: plan.subjectName };
  const wish = { planId: plan.id, planHash: plan.hash, ...words };
  return (await applyRestorePlan(OPERATOR, wish)).jobId;
}

/** As agents would: a snapshot of each PC, then the restore. `states`: how each PC's restore ended; null: it never began. */
async function carryOut(
  jobId: string,
  states: readonly ("succeeded" | "failed" | null)[],
): Promise<string[]> {
  const taken: string[] = [];
  for (const [index, { id, nodeName }] of (await partsOf(jobId, "archive")).entries()) {
    const { id: snapshotId } = await makeSnapshot(nodeName ?? "");
    taken.push(snapshotId);
    await finish(id, "succeeded", { snapshotId });
    const restore = (await partsOf(jobId, "restore"))[index];
    const state = states[index] ?? null;
    if (restore !== undefined && state !== null) await finish(restore.id, state, {});
  }
  await database().job.update({ where: { id: jobId }, data: { state: "partial", finishedAt: new Date() } });
  return taken;
}

const partsOf = async (jobId: string, kind: string) =>
  (await tasksOfJob(jobId)).filter((task) => task.kind === kind);

async function finish(taskId: string, state: "succeeded" | "failed", report: object): Promise<void> {
  const now = new Date();
  await database().task.update({
    where: { id: taskId },
    data: { state, startedAt: now, finishedAt: now, report },
  });
}

test("a classroom goes back, each PC after a snapshot of it, and the undo leads to exactly those", async () => {
  const { group, nodes, at } = await room(3);
  const plan = await planRestore(OPERATOR, {
    ...{ kind: "roll-back-classroom", subjectId: group.id, at, safety: true },
  });
  expect(plan.items).toMatchObject(nodes.map(() => ({ steps: ["safety", "restore"] })));
  expect(plan.items[0]?.explanation).toContain("can be undone");
  const jobId = await apply(plan);
  expect((await requireJob(jobId)).options).toMatchObject({ purpose: "safety" });
  // The third PC was switched off before it was written to: there is nothing to undo.
  const taken = await carryOut(jobId, ["succeeded", "failed", null]);
  const undo = await planRestore(OPERATOR, { kind: "undo", jobId });
  expect(undo.items.map(({ snapshotId }) => snapshotId).sort()).toEqual(taken.slice(0, 2).sort());
  expect(undo.items).toMatchObject([{ steps: ["safety", "restore"] }, { steps: ["safety", "restore"] }]);
  await expect(
    applyRestorePlan(OPERATOR, { planId: undo.id, planHash: undo.hash, requestId: unique("request") }),
  ).rejects.toMatchObject({ code: "confirmation-mismatch" });
  const undoing = await requireJob(await apply(undo));
  expect(undoing).toMatchObject({
    kind: "roll-back-classroom",
    title: expect.stringMatching(/^Undo: Roll back/),
  });
  // An undo can be undone, too.
  const again = await carryOut(undoing.id, ["succeeded", "succeeded"]);
  const redo = await planRestore(OPERATOR, { kind: "undo", jobId: undoing.id });
  expect(redo.items.map(({ snapshotId }) => snapshotId).sort()).toEqual([...again].sort());
});

test("a job without snapshots of its own, or one that still runs, cannot be undone, and says why", async () => {
  const { group, at } = await room(1);
  const wish = { kind: "roll-back-classroom" as const, subjectId: group.id, at };
  const jobId = await apply(await planRestore(OPERATOR, wish));
  await expect(planRestore(OPERATOR, { kind: "undo", jobId })).rejects.toMatchObject({
    code: "input-invalid",
  });
  await database().job.update({ where: { id: jobId }, data: { state: "succeeded" } });
  await expect(planRestore(OPERATOR, { kind: "undo", jobId })).rejects.toMatchObject({
    code: "nothing-to-restore",
  });
});
