// Jobs, nodes and the audit trail on a real Postgres: made once, claimed once, taken back; a busy node refuses; keys enrol once.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { JOB_STATES, type JobState, NEXT_JOB_STATE } from "#lib/model/job.ts";
import { findBrokenAuditEvent, recordAudit } from "./audit.ts";
import { database } from "./client.ts";
import { createEnrolmentKey } from "./groups.ts";
import { jobsOfSilentWorkers, loseWorker, releaseTasks, runningJobsOfRepository } from "./job-upkeep.ts";
import { askToCancel, claimJob, findJob, finishJob, heartbeatJob, tasksOfJob } from "./jobs.ts";
import { applyMigrations } from "./migrate.ts";
import { approveNode, disksOfNode, enrolNode, findNodeByKeyHash, refuseNode, secretHash } from "./nodes.ts";
import { subscribe } from "./notify.ts";
import { findSnapshot, recordSnapshot } from "./snapshots.ts";
import { makeGroup, makeJob, makeNode, makeSnapshot, REPOSITORY_ID, unique } from "./test-rows.ts";
import { createTestDatabase, type TestDatabase } from "./testing.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

const WORKER = { workerId: "w1", repositoryId: "r1" };
const END = { failure: null, report: {}, doneBytes: 0, totalBytes: 0 };
const CANCELLED = { code: "job-cancelled", message: "stopped", hint: null } as const;

async function jobIn(state: JobState): Promise<string> {
  const node = await makeNode();
  const jobId = await makeJob([node.id]);
  await database().job.update({ where: { id: jobId }, data: { state, ...WORKER } });
  return jobId;
}

async function stateOf(jobId: string): Promise<JobState> {
  const job = await findJob(jobId);
  if (job === null) throw new Error(`no ${jobId}`);
  return job.state;
}

describe("every state × event", () => {
  for (const state of JOB_STATES) {
    test(`${state}: claim, finish, finish-partly, fail, cancel, lose-worker`, async () => {
      const next = (event: keyof (typeof NEXT_JOB_STATE)[JobState]): JobState => {
        const to = NEXT_JOB_STATE[state][event];
        return to === "refuse" ? state : to;
      };
      const claimed = await jobIn(state);
      expect((await claimJob(claimed, WORKER)) !== null).toBe(state === "queued");
      expect(await stateOf(claimed)).toBe(next("claim"));
      for (const event of ["finish", "finish-partly", "fail"] as const) {
        const jobId = await jobIn(state);
        expect(await finishJob(jobId, WORKER.workerId, { event, ...END })).toBe(state === "running");
        expect(await stateOf(jobId)).toBe(next(event));
      }
      const lost = await jobIn(state);
      await loseWorker(lost, WORKER.workerId);
      expect(await stateOf(lost)).toBe(next("lose-worker"));
      // A running job is only asked: its agents must hear of it first. Its end then comes by finishJob.
      const cancelled = await jobIn(state);
      const refused = NEXT_JOB_STATE[state].cancel === "refuse";
      const asked = askToCancel(cancelled, CANCELLED).then(
        () => false,
        () => true,
      );
      expect(await asked).toBe(refused);
      if (state === "running") await finishJob(cancelled, WORKER.workerId, { event: "cancel", ...END });
      expect(await stateOf(cancelled)).toBe(next("cancel"));
    });
  }
});

describe("jobs", () => {
  test("a double click, even at the same moment, makes one job", async () => {
    const node = await makeNode();
    const requestId = unique("request");
    const ids = await Promise.all(Array.from({ length: 8 }, () => makeJob([node.id], { requestId })));
    expect(new Set(ids).size).toBe(1);
  });

  test("a request id is not reusable for another wish", async () => {
    const node = await makeNode();
    const requestId = unique("request");
    await makeJob([node.id], { requestId });
    const other = makeJob([node.id], { requestId, kind: "verify" });
    await expect(other).rejects.toMatchObject({ code: "input-invalid" });
  });

  test("of two jobs on one node, even at the same moment, the second is refused and names the first", async () => {
    const node = await makeNode();
    const results = await Promise.allSettled([
      makeJob([node.id], { title: "A" }),
      makeJob([node.id], { title: "B" }),
    ]);
    const made = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    const refused = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
    expect(made).toHaveLength(1);
    expect(refused).toMatchObject([{ code: "node-busy", facts: { jobId: made[0] } }]);
    expect(String(refused[0])).toContain(made[0]);
  });

  test("in a classroom's snapshot a busy node is skipped with the reason; all busy is refused", async () => {
    const [held, free] = [await makeNode(), await makeNode()];
    const holder = await makeJob([held.id]);
    const jobId = await makeJob([held.id, free.id], { whenBusy: "skip" });
    const tasks = await tasksOfJob(jobId);
    expect(tasks.find((task) => task.nodeId === held.id)).toMatchObject({
      state: "skipped",
      failure: { code: "node-busy", message: expect.stringContaining(holder) },
    });
    expect(tasks.find((task) => task.nodeId === free.id)?.state).toBe("waiting");
    await expect(makeJob([held.id, free.id], { whenBusy: "skip" })).rejects.toMatchObject({
      code: "node-busy",
    });
  });

  test("a node is free again when the job that held it has ended", async () => {
    const node = await makeNode();
    const jobId = await makeJob([node.id]);
    await askToCancel(jobId, CANCELLED);
    expect(await makeJob([node.id])).not.toBe(jobId);
  });

  test("of ten simultaneous claims one wins", async () => {
    const jobId = await makeJob([(await makeNode()).id]);
    const claims = await Promise.all(
      Array.from({ length: 10 }, (_, index) => claimJob(jobId, { ...WORKER, workerId: `w${index}` })),
    );
    expect(claims.filter((claim) => claim !== null)).toHaveLength(1);
  });

  test("a lost worker's job is queued again, its tasks wait; the old worker can no longer end it", async () => {
    const jobId = await makeJob([(await makeNode()).id]);
    await claimJob(jobId, WORKER);
    await releaseTasks(jobId);
    expect(await heartbeatJob(jobId, "w1", { doneBytes: 1, totalBytes: 2 })).toBe(true);
    await database().job.update({
      where: { id: jobId },
      data: { heartbeatAt: new Date(Date.now() - 40_000) },
    });
    const silent = await jobsOfSilentWorkers(30_000);
    expect(silent).toContainEqual({ jobId, workerId: "w1" });
    expect((await runningJobsOfRepository("r1")).map((job) => job.jobId)).toContain(jobId);
    expect(await loseWorker(jobId, "w1")).toBe(true);
    expect((await tasksOfJob(jobId))[0]?.state).toBe("waiting");
    expect(await heartbeatJob(jobId, "w1", { doneBytes: 1, totalBytes: 2 })).toBe(false);
    expect(await finishJob(jobId, "w1", { event: "finish", ...END })).toBe(false);
    expect(await claimJob(jobId, { ...WORKER, workerId: "w2" })).toMatchObject({ attempt: 2 });
  });

  test("a job that loses its worker each time ends as failed and says so", async () => {
    const jobId = await makeJob([(await makeNode()).id]);
    for (let claim = await claimJob(jobId, WORKER); claim !== null; claim = await claimJob(jobId, WORKER)) {
      await loseWorker(jobId, "w1");
    }
    expect(await findJob(jobId)).toMatchObject({ state: "failed", failure: { code: "worker-lost" } });
    expect((await tasksOfJob(jobId))[0]?.state).toBe("failed");
  });

  test("changes are heard by subscribers", async () => {
    const heard: string[] = [];
    const stop = await subscribe("jobs", (jobId) => heard.push(jobId));
    const jobId = await makeJob([(await makeNode()).id]);
    await expect.poll(() => heard).toContain(jobId);
    await stop();
  });
});

describe("nodes", () => {
  const hints = { code: "AB-12", agentVersion: "1" };

  test("a key enrols once, however often and simultaneously it asks; equal names get a suffix", async () => {
    const proposedName = unique("lab");
    const asks = Array.from({ length: 6 }, () =>
      enrolNode({ keyHash: `${proposedName}-a`, proposedName, ...hints }),
    );
    const nodes = await Promise.all(asks);
    expect(new Set(nodes.map((node) => node.nodeId)).size).toBe(1);
    expect(nodes[0]).toMatchObject({ name: proposedName, lifeCycle: "pending" });
    const second = await enrolNode({ keyHash: `${proposedName}-b`, proposedName, ...hints });
    expect(second.name).toBe(`${proposedName}-2`);
  });

  test("a hostile name is made harmless", async () => {
    const made = await enrolNode({ keyHash: unique("key"), proposedName: "<img src=x>\u0000/../", ...hints });
    expect(made.name).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]*$/);
  });

  test("an enrolment key approves into its classroom; a wrong, expired or revoked one does not", async () => {
    const group = await makeGroup();
    const past = new Date(Date.now() - 1000);
    await createEnrolmentKey({
      name: "k",
      secretHash: secretHash("good"),
      groupId: group.id,
      expiresAt: null,
    });
    await createEnrolmentKey({
      name: "k",
      secretHash: secretHash("old"),
      groupId: group.id,
      expiresAt: past,
    });
    const enrol = (enrolmentKey: string) =>
      enrolNode({ keyHash: unique("key"), proposedName: unique("pc"), enrolmentKey, ...hints });
    expect(await enrol("good")).toMatchObject({ lifeCycle: "enrolled" });
    expect(await enrol("old")).toMatchObject({ lifeCycle: "pending" });
    expect(await enrol("guess")).toMatchObject({ lifeCycle: "pending" });
  });

  test("a refused key stays refused, also with an enrolment key", async () => {
    const keyHash = unique("key");
    const { nodeId } = await enrolNode({ keyHash, proposedName: unique("pc"), ...hints });
    await refuseNode(nodeId);
    const again = await enrolNode({ keyHash, proposedName: "x", enrolmentKey: "good", ...hints });
    expect(again.lifeCycle).toBe("refused");
  });

  test("a history without a row of its node comes back with the node's name", async () => {
    const name = unique("pc");
    const record = await makeSnapshot(name);
    const keyHash = unique("key");
    const { nodeId } = await enrolNode({ keyHash, proposedName: "new-mainboard", ...hints });
    const group = await makeGroup();
    await approveNode(nodeId, { name, groupId: group.id });
    expect((await findSnapshot(record.id))?.nodeId).toBe(nodeId);
    expect(await findNodeByKeyHash(keyHash)).toMatchObject({
      name,
      lifeCycle: "enrolled",
      groupName: group.name,
    });
  });

  test("a node with a history keeps its name, so that no other PC ever continues it", async () => {
    const node = await makeNode();
    await approveNode(node.id, { name: `${node.name}-b`, groupId: null });
    const snapshot = await makeSnapshot(`${node.name}-b`);
    const rename = approveNode(node.id, { name: node.name, groupId: null });
    await expect(rename).rejects.toMatchObject({ code: "input-invalid" });
    await approveNode(node.id, { name: `${node.name}-b`, groupId: null, seat: 3 });
    expect(await findSnapshot(snapshot.id)).toMatchObject({ nodeId: node.id });
    const [busy, other] = [await makeNode(), await makeNode()];
    const jobId = await makeJob([busy.id]);
    const renameBusy = approveNode(busy.id, { name: unique("new"), groupId: null });
    await expect(renameBusy).rejects.toMatchObject({ code: "input-invalid" });
    // However it came to another name: the snapshot belongs to the node whose task it was.
    const requestId = (await tasksOfJob(jobId))[0]?.id ?? "";
    const made = { ...(await makeSnapshot(other.name)), id: unique("snap"), node: other.name };
    await recordSnapshot(
      { ...made, requestId, sequence: made.sequence + 1_000 },
      { repositoryId: REPOSITORY_ID, jobId },
    );
    expect(await findSnapshot(made.id)).toMatchObject({ nodeId: busy.id });
  });

  test("two nodes cannot have one name", async () => {
    const [first, second] = [await makeNode(), await makeNode()];
    const taken = approveNode(second.id, { name: first.name, groupId: null });
    await expect(taken).rejects.toMatchObject({ code: "input-invalid" });
  });

  test("hello replaces the disks; recording a snapshot twice makes one row", async () => {
    const node = await makeNode();
    expect(await disksOfNode(node.id)).toMatchObject([{ serial: "S1", partitions: [{ name: "p1" }] }]);
    const record = await makeSnapshot(node.name);
    const again = { repositoryId: REPOSITORY_ID, jobId: null };
    await Promise.all([recordSnapshot(record, again), recordSnapshot(record, again)]);
    expect((await findSnapshot(record.id))?.images).toHaveLength(1);
  });
});

describe("the audit trail", () => {
  test("simultaneous entries form one chain, and a changed one breaks it", async () => {
    const entries = Array.from({ length: 10 }, (_, index) =>
      recordAudit("user_1", "test", `s${index}`, { b: 1, a: index }),
    );
    await Promise.all(entries);
    expect(await findBrokenAuditEvent()).toBeNull();
    const [row] = await database().auditEvent.findMany({ orderBy: { id: "asc" }, skip: 3, take: 1 });
    if (row === undefined) throw new Error("ten rows were written");
    await database().auditEvent.update({ where: { id: row.id }, data: { actor: "somebody else" } });
    expect(await findBrokenAuditEvent()).toBe(String(row.id));
  });
});

test("migrations lead to the schema, and applying them again changes nothing", async () => {
  expect(await applyMigrations(db.url)).toEqual([]);
});
