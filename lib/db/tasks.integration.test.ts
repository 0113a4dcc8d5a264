// Leases and ends of tasks on a real Postgres: every state × event cell, races, repeated and late messages.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { FailureReport } from "#lib/model/errors.ts";
import { NEXT_TASK_STATE, TASK_STATES, type TaskState } from "#lib/model/job.ts";
import { database } from "./client.ts";
import { loseWorker, releaseTasks } from "./job-upkeep.ts";
import { askToCancel, claimJob, tasksOfJob } from "./jobs.ts";
import { findLeased } from "./leased-task.ts";
import { recordRepository, setRepositoryChoice } from "./repositories.ts";
import {
  cancelTask,
  failTask,
  failTasksOfOfflineNodes,
  finishTask,
  heartbeatTask,
  leaseTask,
  loseAgent,
  noteChainPlace,
  runningTasksWithoutHeartbeatSince,
  TASK_ATTEMPTS_MAX,
  TASK_LEASES_MAX,
} from "./tasks.ts";
import { makeJob, makeNode, makeSnapshot, unique } from "./test-rows.ts";
import { createTestDatabase, type TestDatabase } from "./testing.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

const WORKER = { workerId: "w1", repositoryId: "r1" };
const BROKEN: FailureReport = { code: "source-read-failed", message: "sector 7", hint: null };

/** A running job with one ready task. */
async function readyTask(): Promise<{ nodeId: string; jobId: string; taskId: string }> {
  const node = await makeNode();
  const jobId = await makeJob([node.id]);
  await claimJob(jobId, WORKER);
  await releaseTasks(jobId);
  const [task] = await tasksOfJob(jobId);
  return { nodeId: node.id, jobId, taskId: task?.id ?? "" };
}

async function taskIn(state: TaskState): Promise<{ nodeId: string; jobId: string; taskId: string }> {
  const made = await readyTask();
  await database().task.update({ where: { id: made.taskId }, data: { state, leaseId: "lease" } });
  return made;
}

async function stateOf(taskId: string): Promise<TaskState> {
  const row = await database().task.findUniqueOrThrow({ where: { id: taskId } });
  return row.state;
}

test("an agent's task says how it is stored: as the wish does, else as was chosen for the worker's repository", async () => {
  await recordRepository({ id: "r1", name: "R", path: "/r", blockSize: 4096, technique: "diff" });
  const leased = async (options: Record<string, string | null>) => {
    const node = await makeNode();
    const jobId = await makeJob([node.id], { options });
    await claimJob(jobId, WORKER);
    await releaseTasks(jobId);
    return (await leaseTask(node.id, unique("lease")))?.storage;
  };
  expect(await leased({})).toMatchObject({ technique: "diff", compression: { codec: "zstd" } });
  await setRepositoryChoice("r1", { technique: "full", compression: { codec: "gzip", level: 9 } });
  expect(await leased({ technique: null })).toEqual({
    technique: "full",
    compression: { codec: "gzip", level: 9 },
  });
  expect(await leased({ technique: "diff", compression: "none", base: "first" })).toEqual({
    technique: "diff",
    compression: { codec: "none", level: 0 },
    base: "first",
  });
});

describe("every state × event", () => {
  for (const state of TASK_STATES) {
    const next = (event: keyof (typeof NEXT_TASK_STATE)[TaskState]): TaskState => {
      const to = NEXT_TASK_STATE[state][event];
      return to === "refuse" ? state : to;
    };
    test(`${state}: release, lease, finish, fail, cancel, lose-agent, lose-worker`, async () => {
      const released = await taskIn(state);
      await releaseTasks(released.jobId);
      expect(await stateOf(released.taskId)).toBe(next("release"));

      const leased = await taskIn(state);
      const lease = await leaseTask(leased.nodeId, "new");
      expect(await stateOf(leased.taskId)).toBe(next("lease"));
      expect(lease !== null).toBe(state === "ready");

      const finished = await taskIn(state);
      await finishTask(finished.taskId, "lease", {});
      expect(await stateOf(finished.taskId)).toBe(next("finish"));

      // Agents' messages concern a running lease only; what else the table allows is the server's own doing.
      const failed = await taskIn(state);
      await failTask(failed.taskId, "lease", BROKEN, "never");
      expect(await stateOf(failed.taskId)).toBe(state === "running" ? next("fail") : state);

      const cancelled = await taskIn(state);
      await cancelTask(cancelled.taskId, "lease");
      expect(await stateOf(cancelled.taskId)).toBe(state === "running" ? next("cancel") : state);

      const lost = await taskIn(state);
      await loseAgent(lost.taskId, "lease");
      expect(await stateOf(lost.taskId)).toBe(next("lose-agent"));

      const orphaned = await taskIn(state);
      await loseWorker(orphaned.jobId, WORKER.workerId);
      expect(await stateOf(orphaned.taskId)).toBe(next("lose-worker"));
    });
  }
});

describe("leases", () => {
  test("of twenty simultaneous leases one wins", async () => {
    const { nodeId, taskId } = await readyTask();
    const leases = await Promise.all(
      Array.from({ length: 20 }, (_, index) => leaseTask(nodeId, `lease-${index}`)),
    );
    const won = leases.filter((lease) => lease !== null);
    expect(won).toHaveLength(1);
    expect(won[0]).toMatchObject({ taskId, kind: "archive", attempt: 1, disks: [{ serial: "S1" }] });
  });

  test("a node runs one task at a time", async () => {
    const { nodeId, jobId, taskId } = await readyTask();
    await database().task.create({
      data: { id: unique("task"), jobId, nodeId, kind: "archive", state: "ready" },
    });
    const leases = await Promise.all(
      Array.from({ length: 10 }, (_, index) => leaseTask(nodeId, `lease-${index}`)),
    );
    const won = leases.filter((lease) => lease !== null);
    expect(won).toHaveLength(1);
    const first = won[0]?.taskId ?? taskId;
    const row = await database().task.findUniqueOrThrow({ where: { id: first } });
    expect(await finishTask(first, row.leaseId ?? "", {})).toBe("done");
    expect(await leaseTask(nodeId, "second")).not.toBeNull();
  });

  test("a job not running, or a node not enrolled, gets no lease", async () => {
    const waiting = await makeNode();
    await makeJob([waiting.id]);
    expect(await leaseTask(waiting.id, "x")).toBeNull();
    const { nodeId } = await readyTask();
    await database().node.update({ where: { id: nodeId }, data: { lifeCycle: "retired" } });
    expect(await leaseTask(nodeId, "x")).toBeNull();
  });

  test("an older lease changes nothing", async () => {
    const { nodeId, taskId } = await readyTask();
    await leaseTask(nodeId, "old");
    await loseAgent(taskId, "old");
    await leaseTask(nodeId, "new");
    const progress = { step: "comparing" as const, doneBytes: 1, totalBytes: 2 };
    expect(await heartbeatTask(taskId, "old", progress)).toBe("lost");
    expect(await finishTask(taskId, "old", {})).toBe("lost");
    expect(await failTask(taskId, "old", BROKEN, "never")).toBe("lost");
    expect(await loseAgent(taskId, "old")).toBe("lost");
    expect(await heartbeatTask(taskId, "new", progress)).toBe("continue");
  });

  test("a result repeated because its answer was lost is accepted again", async () => {
    const { nodeId, taskId } = await readyTask();
    await leaseTask(nodeId, "lease");
    expect(await finishTask(taskId, "lease", { writtenBytes: 5 })).toBe("done");
    expect(await finishTask(taskId, "lease", { writtenBytes: 5 })).toBe("done");
    expect(await failTask(taskId, "lease", BROKEN, "never")).toBe("lost");
  });
});

test("a lease is found again as it was given, by itself only; its place in a chain is noted while it runs", async () => {
  const node = await makeNode();
  const other = await makeNode();
  const { id: snapshotId } = await makeSnapshot(node.name);
  const tasks = [node, other].map(({ id }) => ({
    ...{ kind: "restore" as const, nodeId: id, snapshotId },
    diskMap: { S1: "S2" },
  }));
  const jobId = await makeJob([], { kind: "clone", tasks });
  await claimJob(jobId, WORKER);
  await releaseTasks(jobId);
  const given = await leaseTask(node.id, "lease-of-clone");
  const taskId = given?.taskId ?? "";
  expect(given).toMatchObject({ diskMap: { S1: "S2" }, peers: [node.id, other.id].sort() });
  expect(await findLeased(taskId, "lease-of-clone")).toEqual({ ...given, nodeId: node.id });
  expect(await findLeased(taskId, "another")).toBeNull();
  const figures = { receivedBytes: 3, sentBytes: 2, writtenBytes: 1, isDiskBehind: false };
  await noteChainPlace(taskId, "another", { rank: 7, above: null, ...figures });
  await noteChainPlace(taskId, "lease-of-clone", { rank: 1, above: "gateway", ...figures });
  const row = await database().task.findUniqueOrThrow({ where: { id: taskId } });
  expect(row.chain).toEqual({ rank: 1, above: "gateway", ...figures });
  await finishTask(taskId, "lease-of-clone", {});
  expect(await findLeased(taskId, "lease-of-clone")).toBeNull();
  const second = await leaseTask(other.id, "second");
  expect(second?.peers).toEqual([other.id]);
});

describe("failures and silence", () => {
  test("a failure that may pass is tried again while attempts remain, and then says why", async () => {
    const { nodeId, taskId } = await readyTask();
    for (let attempt = 1; attempt <= TASK_ATTEMPTS_MAX; attempt += 1) {
      const lease = await leaseTask(nodeId, `lease-${attempt}`);
      expect(lease?.attempt).toBe(attempt);
      await failTask(taskId, `lease-${attempt}`, BROKEN, "later");
      expect(await stateOf(taskId)).toBe(attempt < TASK_ATTEMPTS_MAX ? "ready" : "failed");
    }
    const row = await database().task.findUniqueOrThrow({ where: { id: taskId } });
    expect(row).toMatchObject({ failureCode: "source-read-failed", failureMessage: "sector 7" });
  });

  test("an agent that vanishes again and again is given up in the end", async () => {
    const { nodeId, taskId } = await readyTask();
    for (let attempt = 1; attempt <= TASK_LEASES_MAX; attempt += 1) {
      await leaseTask(nodeId, `lease-${attempt}`);
      await loseAgent(taskId, `lease-${attempt}`);
    }
    const row = await database().task.findUniqueOrThrow({ where: { id: taskId } });
    expect(row).toMatchObject({ state: "failed", failureCode: "agent-lost", attempt: TASK_LEASES_MAX });
  });

  test("a silent running task is found by its heartbeat's age", async () => {
    const { nodeId, taskId } = await readyTask();
    await leaseTask(nodeId, "lease");
    const silent = async () => (await runningTasksWithoutHeartbeatSince(15_000)).map((task) => task.taskId);
    expect(await silent()).not.toContain(taskId);
    await database().task.update({
      where: { id: taskId },
      data: { heartbeatAt: new Date(Date.now() - 16_000) },
    });
    expect(await silent()).toContain(taskId);
  });

  test("a ready task of a node that stays silent fails; one heard since waits on", async () => {
    const silent = await readyTask();
    const heard = await readyTask();
    const longAgo = new Date(Date.now() - 200_000);
    for (const { taskId } of [silent, heard]) {
      await database().task.update({ where: { id: taskId }, data: { readyAt: longAgo } });
    }
    await database().node.update({ where: { id: silent.nodeId }, data: { lastSeenAt: longAgo } });
    await failTasksOfOfflineNodes(120_000);
    const row = await database().task.findUniqueOrThrow({ where: { id: silent.taskId } });
    expect(row).toMatchObject({ state: "failed", failureCode: "node-offline" });
    expect(await stateOf(heard.taskId)).toBe("ready");
  });

  test("a cancelled job tells its agents at the next heartbeat and ends tasks nobody works on", async () => {
    const { nodeId, jobId, taskId } = await readyTask();
    await leaseTask(nodeId, "lease");
    await askToCancel(jobId, { code: "job-cancelled", message: "stopped", hint: null });
    expect(await heartbeatTask(taskId, "lease", { step: "comparing", doneBytes: 0, totalBytes: 1 })).toBe(
      "cancel",
    );
    expect(await cancelTask(taskId, "lease")).toBe("done");
    expect(await stateOf(taskId)).toBe("cancelled");

    const other = await readyTask();
    await leaseTask(other.nodeId, "lease");
    await askToCancel(other.jobId, { code: "job-cancelled", message: "stopped", hint: null });
    await loseAgent(other.taskId, "lease");
    expect(await stateOf(other.taskId)).toBe("cancelled");
  });
});
