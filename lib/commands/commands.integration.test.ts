// Commands on a real database: who may, what is refused, what a plan promises until it is applied. Redis is absent on purpose: a
// wish must not need it.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { database } from "#lib/db/client.ts";
import { findJob, tasksOfJob } from "#lib/db/jobs.ts";
import { effectiveSnapshotsAt } from "#lib/db/matrix-views.ts";
import { enrolNode, findNode } from "#lib/db/nodes.ts";
import { findRepositoryChoice } from "#lib/db/repositories.ts";
import {
  makeGroup,
  makeJob,
  makeNode,
  makeSnapshot,
  makeViewer,
  REPOSITORY_ID,
  unique,
} from "#lib/db/test-rows.ts";
import { createTestDatabase, type TestDatabase } from "#lib/db/testing.ts";
import { forgetEnvironment } from "#lib/env.ts";
import { closeQueue } from "#lib/queue/enqueue.ts";
import { applyRestorePlan } from "./apply-restore-plan.ts";
import { approveNode } from "./approve-node.ts";
import { cancelJob } from "./cancel-job.ts";
import { chooseRetention, chooseStorage } from "./choose-storage.ts";
import { createEnrolmentKey } from "./create-enrolment-key.ts";
import { createGroup } from "./create-group.ts";
import { planRestore } from "./plan-restore.ts";
import { refuseNode } from "./refuse-node.ts";
import { retryFailedOnly } from "./retry-failed-only.ts";
import { revokeEnrolmentKey } from "./revoke-enrolment-key.ts";
import { snapshotClassroom } from "./snapshot-classroom.ts";
import { snapshotNode } from "./snapshot-node.ts";
import { verifyRepository } from "./verify-repository.ts";

let db: TestDatabase;
let viewer: Viewer;
let operator: Viewer;
let admin: Viewer;
const redisUrl = process.env.REDIS_URL;

beforeAll(async () => {
  process.env.REDIS_URL = "redis://127.0.0.1:1"; // nobody listens there
  forgetEnvironment();
  db = await createTestDatabase();
  viewer = await makeViewer("viewer");
  operator = await makeViewer("operator");
  admin = await makeViewer("admin");
});
afterAll(async () => {
  await closeQueue();
  await db.drop();
  process.env.REDIS_URL = redisUrl;
  forgetEnvironment();
});

const requestId = () => unique("request");

describe("permissions", () => {
  const NOT_FOR_VIEWERS: readonly [string, (who: Viewer) => Promise<unknown>][] = [
    ["snapshotNode", (who) => snapshotNode(who, { nodeId: "node_x", requestId: requestId() })],
    ["snapshotClassroom", (who) => snapshotClassroom(who, { groupId: "group_x", requestId: requestId() })],
    [
      "planRestore",
      (who) => planRestore(who, { kind: "restore-node", subjectId: "node_x", at: "2026-01-01" }),
    ],
    [
      "applyRestorePlan",
      (who) => applyRestorePlan(who, { planId: "p", planHash: "h", requestId: requestId() }),
    ],
    ["verifyRepository", (who) => verifyRepository(who, { requestId: requestId() })],
    ["cancelJob", (who) => cancelJob(who, { jobId: "job_x" })],
  ];
  for (const [name, call] of NOT_FOR_VIEWERS) {
    test(`a viewer may not ${name}`, async () => {
      await expect(call(viewer)).rejects.toMatchObject({ code: "not-permitted" });
    });
  }
  const FOR_ADMINS: readonly [string, (who: Viewer) => Promise<unknown>][] = [
    ["approveNode", (who) => approveNode(who, { nodeId: "node_x", name: "pc", groupId: "group_x" })],
    ["refuseNode", (who) => refuseNode(who, { nodeId: "node_x" })],
    ["createGroup", (who) => createGroup(who, { name: "room" })],
    ["createEnrolmentKey", (who) => createEnrolmentKey(who, { name: "key" })],
    ["revokeEnrolmentKey", (who) => revokeEnrolmentKey(who, { keyId: "key_x" })],
  ];
  for (const [name, call] of FOR_ADMINS) {
    test(`an operator may not ${name}`, async () => {
      await expect(call(operator)).rejects.toMatchObject({ code: "not-permitted" });
    });
  }
  test("a viewer may not retry what he could not have begun", async () => {
    const jobId = await makeJob([(await makeNode()).id]);
    const retry = retryFailedOnly(viewer, { jobId, requestId: requestId() });
    await expect(retry).rejects.toMatchObject({ code: "not-permitted" });
  });
});

describe("bad input is named", () => {
  test("unknown things have their own codes", async () => {
    const asks: [() => Promise<unknown>, string][] = [
      [() => snapshotNode(operator, { nodeId: "node_x", requestId: requestId() }), "node-unknown"],
      [
        () => snapshotClassroom(operator, { groupId: "group_x", requestId: requestId() }),
        "classroom-unknown",
      ],
      [
        () => verifyRepository(operator, { snapshotId: "snap_x", requestId: requestId() }),
        "snapshot-unknown",
      ],
      [() => cancelJob(operator, { jobId: "job_x" }), "job-unknown"],
      [
        () => applyRestorePlan(operator, { planId: "plan_x", planHash: "h", requestId: requestId() }),
        "plan-unknown",
      ],
    ];
    for (const [ask, code] of asks) await expect(ask()).rejects.toMatchObject({ code });
  });

  test("names and comments are bounded", async () => {
    const long = createGroup(admin, { name: "x".repeat(65) });
    await expect(long).rejects.toMatchObject({
      code: "input-invalid",
      message: expect.stringContaining("name"),
    });
    const node = await makeNode();
    const comment = snapshotNode(operator, {
      nodeId: node.id,
      requestId: requestId(),
      comment: "x".repeat(501),
    });
    await expect(comment).rejects.toMatchObject({ code: "input-invalid" });
    const moment = planRestore(operator, { kind: "restore-node", subjectId: node.id, at: "yesterday" });
    await expect(moment).rejects.toMatchObject({ code: "input-invalid" });
  });
});

describe("with Redis away", () => {
  test("a wish is written down within seconds and waits in its row", async () => {
    const node = await makeNode();
    const began = Date.now();
    const request = { nodeId: node.id, requestId: requestId(), comment: "before the exam" };
    const { jobId } = await snapshotNode(operator, request);
    expect(Date.now() - began).toBeLessThan(5_000);
    expect(await findJob(jobId)).toMatchObject({ state: "queued", options: { comment: "before the exam" } });
    expect(await snapshotNode(operator, request)).toEqual({ jobId });
  });
});

describe("plans", () => {
  async function room() {
    const group = await makeGroup();
    const [withSnapshot, without] = [await makeNode(group.id), await makeNode(group.id)];
    const record = await makeSnapshot(withSnapshot.name);
    const at = new Date().toISOString();
    const plan = await planRestore(operator, { kind: "roll-back-classroom", subjectId: group.id, at });
    return { group, withSnapshot, without, record, plan };
  }

  test("a classroom's plan restores what it can and says why not for the rest; applied, the job shows both", async () => {
    const { group, withSnapshot, without, record, plan } = await room();
    const items = new Map(plan.items.map((item) => [item.nodeId, item]));
    expect(items.get(withSnapshot.id)).toMatchObject({ action: "restore", snapshotId: record.id });
    expect(items.get(without.id)).toMatchObject({ action: "skip", reason: "no-snapshot" });
    const request = { planId: plan.id, planHash: plan.hash, requestId: requestId() };
    const unnamed = applyRestorePlan(operator, { ...request, confirmName: "Room" });
    await expect(unnamed).rejects.toMatchObject({ code: "confirmation-mismatch" });
    const { jobId } = await applyRestorePlan(operator, { ...request, confirmName: group.name });
    const again = await applyRestorePlan(operator, { ...request, confirmName: group.name });
    expect(again.jobId).toBe(jobId);
    const tasks = await tasksOfJob(jobId);
    expect(tasks.map((task) => task.state).sort()).toEqual(["skipped", "waiting"]);
    expect(tasks.find((task) => task.state === "waiting")).toMatchObject({
      kind: "restore",
      snapshotId: record.id,
    });
    const other = applyRestorePlan(operator, { ...request, requestId: requestId(), confirmName: group.name });
    await expect(other).rejects.toMatchObject({
      code: "plan-expired",
      message: expect.stringContaining(jobId),
    });
  });

  test("a snapshot is cloned to a classroom or to chosen PCs; the tasks say to which disk", async () => {
    const { group, withSnapshot, without, record } = await room();
    const toRoom = await planRestore(operator, { kind: "clone", snapshotId: record.id, groupId: group.id });
    expect(toRoom).toMatchObject({ kind: "clone", subject: group.id, subjectName: group.name });
    expect(toRoom.items.map((item) => item.action)).toEqual(["restore", "restore"]);
    const unnamed = { planId: toRoom.id, planHash: toRoom.hash, requestId: requestId() };
    await expect(applyRestorePlan(operator, unnamed)).rejects.toMatchObject({
      code: "confirmation-mismatch",
    });
    const plan = await planRestore(operator, {
      ...{ kind: "clone", snapshotId: record.id },
      nodeIds: [without.id, without.id],
    });
    expect(plan).toMatchObject({ subject: record.id, subjectName: without.name });
    expect(plan.items).toMatchObject([{ nodeId: without.id, snapshotId: record.id }]);
    // One PC is a named button: nothing to type.
    const request = { planId: plan.id, planHash: plan.hash, requestId: requestId() };
    const { jobId } = await applyRestorePlan(operator, request);
    expect(await findJob(jobId)).toMatchObject({
      kind: "clone",
      title: `Clone to ${without.name}`,
      groupId: null,
    });
    const [task] = await tasksOfJob(jobId);
    expect(task).toMatchObject({
      nodeId: without.id,
      snapshotId: record.id,
      diskMap: plan.items[0]?.diskMap,
    });
    const busy = await planRestore(operator, { kind: "clone", snapshotId: record.id, groupId: group.id });
    expect(busy.items.find((item) => item.nodeId === without.id)).toMatchObject({ reason: "busy" });
    expect(busy.items.find((item) => item.nodeId === withSnapshot.id)?.explanation).toContain("was taken of");
    await cancelJob(operator, { jobId });
    const nowhere = planRestore(operator, { kind: "clone", snapshotId: record.id, groupId: "group_x" });
    await expect(nowhere).rejects.toMatchObject({ code: "classroom-unknown" });
    const nothing = planRestore(operator, { kind: "clone", snapshotId: "snap_x", groupId: group.id });
    await expect(nothing).rejects.toMatchObject({ code: "snapshot-unknown" });
  });

  test("what has changed since the plan was shown stops it", async () => {
    const { group, withSnapshot, plan } = await room();
    const apply = () =>
      applyRestorePlan(operator, {
        planId: plan.id,
        planHash: plan.hash,
        requestId: requestId(),
        confirmName: group.name,
      });
    const longAgo = new Date(Date.now() - 3_600_000);
    await database().node.update({ where: { id: withSnapshot.id }, data: { lastSeenAt: longAgo } });
    await expect(apply()).rejects.toMatchObject({ code: "plan-changed" });
    await database().node.update({ where: { id: withSnapshot.id }, data: { lastSeenAt: new Date() } });
    const held = await makeJob([withSnapshot.id]);
    await expect(apply()).rejects.toMatchObject({ code: "plan-changed" });
    await cancelJob(operator, { jobId: held });
    await expect(apply()).resolves.toMatchObject({ jobId: expect.stringMatching(/^job_/) });
  });

  test("another hash, an expired plan, or one that restores nothing is refused", async () => {
    const { group, plan, without } = await room();
    const request = { planId: plan.id, requestId: requestId(), confirmName: group.name };
    const wrong = applyRestorePlan(operator, { ...request, planHash: "0".repeat(64) });
    await expect(wrong).rejects.toMatchObject({ code: "plan-changed" });
    await database().plan.update({ where: { id: plan.id }, data: { expiresAt: new Date(Date.now() - 1) } });
    const late = applyRestorePlan(operator, { ...request, planHash: plan.hash });
    await expect(late).rejects.toMatchObject({ code: "plan-expired" });
    const at = new Date().toISOString();
    const empty = await planRestore(operator, { kind: "restore-node", subjectId: without.id, at });
    const nothing = applyRestorePlan(operator, { ...request, planId: empty.id, planHash: empty.hash });
    await expect(nothing).rejects.toMatchObject({ code: "nothing-to-restore" });
  });

  test("a node goes back to a named snapshot, or to the newest not later than a moment; never to another's", async () => {
    const node = await makeNode();
    const early = await makeSnapshot(node.name, new Date(Date.now() - 7_200_000));
    const late = await makeSnapshot(node.name, new Date(Date.now() - 60_000));
    const plan = (at: string) => planRestore(operator, { kind: "restore-node", subjectId: node.id, at });
    expect((await plan(early.id)).items[0]).toMatchObject({ snapshotId: early.id });
    expect((await plan(new Date().toISOString())).items[0]).toMatchObject({ snapshotId: late.id });
    const hourAgo = new Date(Date.now() - 3_600_000).toISOString();
    expect((await plan(hourAgo)).items[0]).toMatchObject({ snapshotId: early.id });
    const foreign = await makeSnapshot((await makeNode()).name);
    await expect(plan(foreign.id)).rejects.toMatchObject({ code: "snapshot-unknown" });
    const named = await plan(early.id);
    const request = { planId: named.id, planHash: named.hash, requestId: requestId() };
    await expect(applyRestorePlan(operator, request)).resolves.toMatchObject({ jobId: expect.any(String) });
  });
});

describe("a roll back goes to what the matrix shows", () => {
  test("a node that had been rolled back to an older snapshot by then goes to that one", async () => {
    const group = await makeGroup();
    const [back, forth] = [await makeNode(group.id), await makeNode(group.id)];
    const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);
    const old = await makeSnapshot(back.name, minutesAgo(50));
    await makeSnapshot(back.name, minutesAgo(40));
    await makeSnapshot(forth.name, minutesAgo(40));
    const jobId = await makeJob([], {
      kind: "restore-node",
      tasks: [{ kind: "restore", nodeId: back.id, snapshotId: old.id }],
    });
    const finish = (minutes: number, state: "succeeded" | "failed") =>
      database().task.updateMany({ where: { jobId }, data: { state, finishedAt: minutesAgo(minutes) } });
    await finish(30, "succeeded");
    await database().job.update({ where: { id: jobId }, data: { state: "succeeded" } });
    const planAt = async (minutes: number) => {
      const at = minutesAgo(minutes).toISOString();
      const plan = await planRestore(operator, { kind: "roll-back-classroom", subjectId: group.id, at });
      const shown = await effectiveSnapshotsAt([back.id, forth.id], at);
      for (const item of plan.items) {
        expect(item.snapshotId).toBe(shown.get(item.nodeId)?.snapshotId ?? null);
      }
      return plan.items.find((item) => item.nodeId === back.id);
    };
    expect((await planAt(20))?.snapshotId).toBe(old.id);
    expect((await planAt(20))?.explanation).toContain("had been rolled back");
    expect((await planAt(35))?.snapshotId).not.toBe(old.id); // before the roll back: the newer one
    expect((await planAt(45))?.snapshotId).toBe(old.id);
    expect((await planAt(60))?.snapshotId).toBeNull();
    await finish(30, "failed"); // a restore that failed put nothing in its place
    expect((await planAt(20))?.snapshotId).not.toBe(old.id);
    await finish(30, "succeeded");
    const again = await makeSnapshot(back.name, minutesAgo(25));
    expect((await planAt(20))?.snapshotId).toBe(again.id);
  });
});

describe("the rest", () => {
  test("retry failed only makes a job of what failed, once", async () => {
    const [good, bad] = [await makeNode(), await makeNode()];
    const jobId = await makeJob([good.id, bad.id]);
    await database().task.updateMany({ where: { jobId, nodeId: good.id }, data: { state: "succeeded" } });
    await database().task.updateMany({ where: { jobId, nodeId: bad.id }, data: { state: "failed" } });
    await database().job.update({ where: { id: jobId }, data: { state: "partial" } });
    const request = { jobId, requestId: requestId() };
    const { jobId: retryId } = await retryFailedOnly(operator, request);
    expect((await retryFailedOnly(operator, request)).jobId).toBe(retryId);
    expect((await tasksOfJob(retryId)).map((task) => task.nodeId)).toEqual([bad.id]);
  });

  test("a revoked enrolment key lets nobody in", async () => {
    const { id, secret } = await createEnrolmentKey(admin, { name: "key" });
    const enrol = () =>
      enrolNode({
        keyHash: unique("key"),
        proposedName: "pc",
        code: "AB-12",
        agentVersion: "1",
        enrolmentKey: secret,
      });
    expect((await enrol()).lifeCycle).toBe("enrolled");
    await revokeEnrolmentKey(admin, { keyId: id });
    expect((await enrol()).lifeCycle).toBe("pending");
  });

  test("approving binds name and classroom, and each command leaves an audit row", async () => {
    const group = await createGroup(admin, { name: unique("room") });
    const node = await makeNode();
    const name = unique("pc");
    await approveNode(admin, { nodeId: node.id, name, groupId: group.id });
    expect(await findNode(node.id)).toMatchObject({ name, groupId: group.id });
    const actions = await database().auditEvent.findMany({
      where: { actor: admin.id, subject: { in: [group.id, node.id] } },
      select: { action: true },
    });
    expect(actions.map((row) => row.action)).toEqual(["create-classroom", "approve-node"]);
  });
});

describe("how an archive is stored", () => {
  test("the wish keeps it in words; what cannot be is refused before anything is queued", async () => {
    const node = await makeNode();
    const asked = { nodeId: node.id, requestId: requestId() };
    for (const [change, code] of [
      [{ technique: "chunks" }, "input-invalid"],
      [{ compression: "zstd:99" }, "input-invalid"],
      [{ technique: "full", base: "first" }, "input-invalid"],
      [{ technique: "diff", base: "snap_gone" }, "snapshot-unknown"],
    ] as const) {
      await expect(snapshotNode(operator, { ...asked, ...change })).rejects.toMatchObject({ code });
    }
    const base = (await makeSnapshot(node.name)).id;
    const { jobId } = await snapshotNode(operator, {
      ...asked,
      technique: "diff",
      compression: "gzip:6",
      base,
    });
    expect((await findJob(jobId))?.options).toMatchObject({ technique: "diff", compression: "gzip", base });
  });

  test("a classroom has no one base, and the repository's choice is an administrator's", async () => {
    const group = await makeGroup();
    const asked = { groupId: group.id, requestId: requestId(), technique: "diff", base: "snap_one" };
    await expect(snapshotClassroom(operator, asked)).rejects.toMatchObject({ code: "input-invalid" });
    await makeSnapshot((await makeNode()).name);
    const choice = { repositoryId: REPOSITORY_ID, technique: "full", compression: "none" };
    await expect(chooseStorage(operator, choice)).rejects.toMatchObject({ code: "not-permitted" });
    await chooseStorage(admin, choice);
    expect(await findRepositoryChoice(REPOSITORY_ID)).toMatchObject({
      technique: "full",
      compression: { codec: "none" },
    });
    const none = { repositoryId: REPOSITORY_ID, keep: {}, timeZone: "UTC" };
    await expect(chooseRetention(admin, none)).rejects.toMatchObject({ code: "input-invalid" });
    const nowhere = { ...none, keep: { daily: 7 }, timeZone: "Mars/Olympus" };
    await expect(chooseRetention(admin, nowhere)).rejects.toMatchObject({ code: "input-invalid" });
  });
});
