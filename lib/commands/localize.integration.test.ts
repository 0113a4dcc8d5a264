// From a master to tasks, against a real database: declared, planned, refused with reasons, applied once, its parts let go in order.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { database } from "#lib/db/client.ts";
import { releaseTasks } from "#lib/db/job-upkeep.ts";
import { requireJob, tasksOfJob } from "#lib/db/jobs.ts";
import { appliedLocalizations, findMasterLocalization, setScan } from "#lib/db/localizations.ts";
import { makeGroup, makeNode, makeSnapshot, PARTITION_BYTES, unique } from "#lib/db/test-rows.ts";
import { createTestDatabase, type TestDatabase } from "#lib/db/testing.ts";
import { changeVariables } from "#lib/db/variables.ts";
import type { TokenScan, Variable } from "#lib/model/localization.ts";
import { identitiesOf } from "#lib/queries/identities.ts";
import { previewLocalization, releaseDetails } from "#lib/queries/release.ts";
import { seal } from "../auth/sealed.ts";
import { applyRestorePlan } from "./apply-restore-plan.ts";
import { declareLocalization } from "./declare-localization.ts";
import { planRestore } from "./plan-restore.ts";
import { releaseMaster } from "./release-master.ts";
import { retryFailedOnly } from "./retry-failed-only.ts";

let db: TestDatabase;
const OPERATOR = { id: "user_operator", name: "O", email: "o@example.org", role: "operator" as const };
const VIEWER = { ...OPERATOR, role: "viewer" as const };
const TOKENS = [{ name: "host_name", padding: "space" as const, count: 1 }];
const found = (name: string): TokenScan[number]["tokens"][number] => ({
  ...{ name, offsetBytes: 1000, lengthBytes: 24, encoding: "utf8" as const, surroundings: ["00"] },
});
const scanWith = (...names: string[]): TokenScan => [
  { partition: "p1", tokens: names.map(found), obstacles: [] },
];

beforeAll(async () => {
  process.env.BETTER_AUTH_SECRET ??= "of the tests of localization, long enough";
  db = await createTestDatabase();
});
afterAll(() => db.drop());

/** A room of PCs with names of their own, and a master with one token, declared. */
async function room(pcCount: number) {
  const group = await makeGroup();
  const nodes: { id: string; name: string }[] = [];
  for (let index = 0; index < pcCount; index += 1) nodes.push(await makeNode(group.id));
  const { id: snapshotId } = await makeSnapshot((await makeNode()).name);
  const wished = { requestId: unique("request"), snapshotId, masterName: unique("Lab"), note: "new" };
  const { release } = await releaseMaster(OPERATOR, wished);
  await setScan(snapshotId, scanWith("host_name"));
  await declareLocalization(OPERATOR, { releaseId: release.id, identityImage: null, tokens: TOKENS });
  await setValues(nodes.map(({ id, name }) => nodeValue("host_name", id, name)));
  return { group, nodes, snapshotId, release, masterName: wished.masterName };
}

const nodeValue = (name: string, scopeId: string, value: string): Variable => ({
  ...{ name, scopeId, value, scope: "node", sealed: null },
});

async function setValues(values: readonly Variable[]): Promise<void> {
  const names = [
    { name: "host_name", isSecret: false, isUnique: true, note: "" },
    { name: "wifi_key", isSecret: true, isUnique: false, note: "" },
  ];
  await changeVariables("user_test", () => ({ writes: { names, values }, answer: null }));
}

const planOf = (snapshotId: string, nodeIds: readonly string[]) =>
  planRestore(OPERATOR, { kind: "localize", snapshotId, nodeIds: [...nodeIds] });

async function apply(plan: Awaited<ReturnType<typeof planOf>>, requestId = unique("request")) {
  const confirmName = plan.items.length === 1 ? undefined : plan.subjectName;
  return applyRestorePlan(OPERATOR, { planId: plan.id, planHash: plan.hash, requestId, confirmName });
}

/** As agents and the worker would. */
async function settle(taskId: string, state: "succeeded" | "failed"): Promise<void> {
  await database().task.update({ where: { id: taskId }, data: { state, finishedAt: new Date() } });
}

describe("a plan to localize", () => {
  test("says what is done on each PC, and its job does it in that order", async () => {
    const { nodes, snapshotId } = await room(2);
    const plan = await planOf(
      snapshotId,
      nodes.map(({ id }) => id),
    );
    expect(plan.items).toMatchObject(
      nodes.map(() => ({ action: "restore", steps: ["clone", "localize", "baseline"] })),
    );
    const { jobId } = await apply(plan);
    expect((await requireJob(jobId)).options).toMatchObject({ purpose: "baseline" });
    const statesOf = async () => (await tasksOfJob(jobId)).map(({ kind, state }) => `${kind} ${state}`);
    await releaseTasks(jobId);
    const [clone, localize] = (await tasksOfJob(jobId)).filter(({ nodeId }) => nodeId === nodes[0]?.id);
    expect((await statesOf()).filter((state) => state === "restore ready")).toHaveLength(2);
    expect((await statesOf()).filter((state) => state === "localize waiting")).toHaveLength(2);
    await settle(clone?.id ?? "", "succeeded");
    await releaseTasks(jobId);
    expect((await statesOf()).filter((state) => state === "localize ready")).toHaveLength(1);
    expect((await statesOf()).filter((state) => state === "archive ready")).toHaveLength(0);
    await settle(localize?.id ?? "", "failed");
    await releaseTasks(jobId);
    expect((await statesOf()).filter((state) => state === "archive cancelled")).toHaveLength(1);
  });

  test("a PC whose part failed is taken up again with what was frozen, and with what had to follow", async () => {
    const { nodes, snapshotId } = await room(1);
    const [node] = nodes;
    const { jobId } = await apply(await planOf(snapshotId, [node?.id ?? ""]));
    await releaseTasks(jobId);
    const [clone, localize] = await tasksOfJob(jobId);
    await settle(clone?.id ?? "", "succeeded");
    await settle(localize?.id ?? "", "failed");
    await releaseTasks(jobId);
    await database().job.update({ where: { id: jobId }, data: { state: "partial", finishedAt: new Date() } });
    const again = await retryFailedOnly(OPERATOR, { jobId, requestId: unique("request") });
    const tasks = await tasksOfJob(again.jobId);
    expect(tasks.map(({ kind }) => kind)).toEqual(["localize", "archive"]);
    expect(tasks[0]?.localizationId).toBe(localize?.localizationId);
  });

  test("a PC that has the master is not cloned again, one that has its identity is known to, and a changed value makes it stale", async () => {
    const { nodes, snapshotId } = await room(2);
    const [node, other] = [nodes[0]?.id ?? "", nodes[1]?.id ?? ""];
    const { jobId } = await apply(await planOf(snapshotId, [node]));
    for (const { id } of await tasksOfJob(jobId)) await settle(id, "succeeded");
    await database().job.update({ where: { id: jobId }, data: { state: "succeeded" } });
    expect((await appliedLocalizations([node, other])).size).toBe(1);
    expect(await identitiesOf([node, other])).toEqual(
      new Map([[node, { state: "localized", words: expect.any(String) }]]),
    );
    const plan = await planOf(snapshotId, [node]);
    expect(plan.items).toMatchObject(
      [{ steps: ["localize", "baseline"], explanation: /holds this identity already/ }].map(({ steps }) => ({
        steps,
      })),
    );
    await setValues([nodeValue("host_name", node, "renamed")]);
    expect((await identitiesOf([node])).get(node)).toMatchObject({ state: "stale" });
    await expect(apply(plan)).rejects.toMatchObject({ code: "plan-changed" });
  });

  test("two PCs with one name are both left out and called by name, also when only one is planned", async () => {
    const { nodes, snapshotId } = await room(3);
    const [first, second, third] = nodes;
    await setValues([nodeValue("host_name", second?.id ?? "", (first?.name ?? "").toUpperCase())]);
    const plan = await planOf(snapshotId, [first?.id ?? "", third?.id ?? ""]);
    expect(plan.items.find(({ nodeId }) => nodeId === first?.id)).toMatchObject({
      ...{ action: "skip", reason: "identity-duplicate" },
      explanation: expect.stringContaining(second?.name ?? ""),
    });
    expect(plan.items.find(({ nodeId }) => nodeId === third?.id)).toMatchObject({ action: "restore" });
    expect((await identitiesOf([second?.id ?? ""])).get(second?.id ?? "")).toMatchObject({
      state: "duplicate",
    });
  });

  test("a value that does not fit, and a token that is not where it was declared, are reasons", async () => {
    const { nodes, snapshotId } = await room(1);
    const node = nodes[0]?.id ?? "";
    await setValues([nodeValue("host_name", node, "x".repeat(25))]);
    expect((await planOf(snapshotId, [node])).items[0]).toMatchObject({
      ...{ action: "skip", reason: "cannot-localize" },
      explanation: expect.stringContaining("needs 25 bytes"),
    });
    await setScan(snapshotId, scanWith("host_name", "host_name"));
    expect((await planOf(snapshotId, [node])).items[0]).toMatchObject({
      explanation: expect.stringContaining("in 2 places"),
    });
  });

  test("is refused to viewers, and for a snapshot that is no master: a PC's own overlay is nobody else's", async () => {
    const { nodes, snapshotId } = await room(1);
    const wish = { kind: "localize" as const, snapshotId, nodeIds: [nodes[0]?.id ?? ""] };
    await expect(planRestore(VIEWER, wish)).rejects.toMatchObject({ code: "not-permitted" });
    const baseline = await makeSnapshot(nodes[0]?.name ?? "");
    await expect(planRestore(OPERATOR, { ...wish, snapshotId: baseline.id })).rejects.toMatchObject({
      code: "release-unknown",
    });
  });

  test("applied twice with one request it is one job", async () => {
    const { nodes, snapshotId } = await room(1);
    const plan = await planOf(snapshotId, [nodes[0]?.id ?? ""]);
    const requestId = unique("request");
    expect(await apply(plan, requestId)).toEqual(await apply(plan, requestId));
    expect(await database().localization.count({ where: { nodeId: nodes[0]?.id ?? "" } })).toBe(1);
  });
});

describe("a release", () => {
  test("takes over what was declared for the one before, and is looked through by itself", async () => {
    const { masterName, release } = await room(0);
    const { id: snapshotId } = await makeSnapshot((await makeNode()).name);
    const next = { requestId: unique("request"), snapshotId, masterName, note: "newer" };
    await releaseMaster(OPERATOR, next);
    expect(await findMasterLocalization(snapshotId)).toMatchObject({
      number: 2,
      spec: { tokens: TOKENS },
      scan: null,
    });
    expect(await database().task.count({ where: { kind: "scan_tokens", snapshotId } })).toBe(1);
    expect(await releaseDetails(VIEWER, release.id)).toMatchObject({
      tokens: [{ name: "host_name", count: 1 }],
    });
  });

  test("refuses what cannot be: unknown partitions, a token twice, a system partition as the volume, unknown recipes", async () => {
    const { release } = await room(0);
    const declare = (change: object) =>
      declareLocalization(OPERATOR, {
        releaseId: release.id,
        identityImage: null,
        tokens: TOKENS,
        ...change,
      });
    const refused = { code: "input-invalid" };
    await expect(declare({ identityImage: "p9" })).rejects.toMatchObject(refused);
    await expect(declare({ tokens: [...TOKENS, ...TOKENS] })).rejects.toMatchObject(refused);
    await expect(declare({ recipes: [{ kind: "run-shell", partition: "p1" }] })).rejects.toMatchObject(
      refused,
    );
    await expect(
      declare({ recipes: [{ kind: "put-file", partition: "p7", path: "/x", content: "" }] }),
    ).rejects.toMatchObject(refused);
    await database().partitionImage.updateMany({ data: { sizeBytes: 2n ** 40n } });
    await expect(declare({ identityImage: "p1" })).rejects.toMatchObject(refused);
    await database().partitionImage.updateMany({ data: { sizeBytes: BigInt(PARTITION_BYTES) } });
  });
});

test("a preview shows what a PC would get, and never a secret", async () => {
  const { nodes, release } = await room(1);
  const nodeId = nodes[0]?.id ?? "";
  const group = { name: "wifi_key", scope: "global", scopeId: "", value: null } as const;
  await setValues([{ ...group, sealed: seal("wifi_key", "hunter2") }]);
  await declareLocalization(OPERATOR, { releaseId: release.id, identityImage: "p1", tokens: TOKENS });
  await changeVariables("user_test", () => ({
    writes: { files: [{ id: unique("file"), groupId: "", path: "wifi.conf", template: "psk={{wifi_key}}" }] },
    answer: null,
  }));
  const preview = await previewLocalization(VIEWER, { releaseId: release.id, nodeId });
  expect(preview.problem).toBeNull();
  expect(preview.preview?.tokens).toMatchObject([{ name: "host_name", value: nodes[0]?.name }]);
  const words = JSON.stringify(preview);
  expect(words).toContain("psk=(secret)");
  expect(words).not.toContain("hunter2");
});
