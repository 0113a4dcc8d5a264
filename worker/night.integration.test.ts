// A night in seconds, on real Postgres and Redis: schedules fire once however often somebody looks, go by canary and waves, keep to their
// windows, survive a worker that stops and a Redis that is emptied, and end in a digest that a mail server receives and that is true.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { lookAtNight } from "#lib/automation/night.ts";
import { cancelJob } from "#lib/commands/cancel-job.ts";
import { createBlackout, createWindow } from "#lib/commands/choose-calendar.ts";
import { chooseRetention } from "#lib/commands/choose-storage.ts";
import {
  chooseDigest,
  chooseMailServer,
  createRecipient,
  testRecipient,
} from "#lib/commands/notifications.ts";
import { changeScheduleOf, createSchedule, removeSchedule } from "#lib/commands/save-schedule.ts";
import { database } from "#lib/db/client.ts";
import { listDeliveries } from "#lib/db/deliveries.ts";
import { queuedJobIds } from "#lib/db/job-upkeep.ts";
import { cancelTask, failTask, finishTask, heartbeatTask } from "#lib/db/tasks.ts";
import { makeGroup, makeNode, makeSnapshot, makeViewer, unique } from "#lib/db/test-rows.ts";
import { createTestDatabase, type TestDatabase } from "#lib/db/testing.ts";
import { changeUser } from "#lib/db/users.ts";
import { plainText, type SmtpSink, startSmtpSink } from "#lib/delivery/test-smtp-sink.ts";
import { createRepository, openLocalDisk, openRepository, type Repository } from "#lib/engine/repository.ts";
import { environment } from "#lib/env.ts";
import { closeQueue } from "#lib/queue/enqueue.ts";
import { nextRun } from "#lib/schedule/cron.ts";
import { type JobWatch, watchJobs } from "./job-watch.ts";
import { PROCESSORS } from "./processors/all.ts";
import { reconcile } from "./reconcile.ts";
import { claimAndRun } from "./run-job.ts";
import { startTestAgent, type Work } from "./test-agents.ts";

let db: TestDatabase;
let folder: string;
let repository: Repository;
let watch: JobWatch;
let sink: SmtpSink;
const cleanups: (() => Promise<unknown>)[] = [];

const HOUR_MS = 3600_000;
/** The next two o'clock, UTC: the night of this test. */
const TWO = nextRun({ cron: "0 2 * * *", timeZone: "UTC" }, Date.now()) ?? 0;
const SECOND_MS = 1000;

beforeAll(async () => {
  db = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), "sheepfold-night-test-"));
  const storage = await openLocalDisk(folder);
  await createRepository({ storage });
  repository = await openRepository({ storage, access: "write", threads: 0 });
  await reconcile(repository, folder);
  watch = await watchJobs();
  sink = await startSmtpSink();
});
afterAll(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
  await watch.close();
  await repository.close();
  await closeQueue();
  await sink.close();
  await db.drop();
  await rm(folder, { recursive: true, force: true });
});

const troubles: string[] = [];
const look = (ms: number) =>
  lookAtNight(ms, (level, line) => {
    if (level === "error") troubles.push(line);
  });

/** A worker that takes every queued job until it is stopped. */
function startWorker(workerId: string): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const running = new Set<Promise<void>>();
  const loop = async () => {
    while (!stopping.signal.aborted) {
      for (const jobId of await queuedJobIds(0)) {
        const context = { workerId, repository, watch, processors: PROCESSORS, stopping: stopping.signal };
        const run = await claimAndRun(jobId, context);
        if (run !== null) running.add(run.ended);
      }
      await delay(50);
    }
  };
  const looping = loop();
  return {
    async stop() {
      stopping.abort();
      await looping;
      await Promise.all(running);
    },
  };
}

/** What each PC does with its task; a PC that is in none of them succeeds. */
const failing = new Set<string>();
/** PCs that work and work; as a real agent does, they take the task anew when their lease is lost. */
const held = new Set<string>();

const workOf =
  (nodeId: string): Work =>
  async (task, leaseId) => {
    while (held.has(nodeId)) {
      const verdict = await heartbeatTask(task.taskId, leaseId, {
        step: "transferring",
        doneBytes: 1,
        totalBytes: 2,
      });
      if (verdict === "lost") return;
      if (verdict === "cancel") return void (await cancelTask(task.taskId, leaseId));
      await delay(50);
    }
    if (!failing.has(nodeId)) return void (await finishTask(task.taskId, leaseId, { readBytes: 1 }));
    const failure = { code: "source-read-failed", message: "sector 7 unreadable", hint: null } as const;
    await failTask(task.taskId, leaseId, failure, "never");
  };

async function makeRoom(pcCount: number): Promise<string> {
  const group = await makeGroup();
  for (let count = 0; count < pcCount; count += 1) {
    const node = await makeNode(group.id);
    const agent = startTestAgent(node.id, workOf(node.id));
    cleanups.push(() => agent.stop());
  }
  return group.id;
}

const snapshotOf = (groupId: string, name: string) => ({
  requestId: unique("request"),
  name,
  kind: "snapshot" as const,
  target: { kind: "classroom" as const, groupId },
  cron: "0 2 * * *",
  timeZone: "UTC",
});

const runsOf = (scheduleId: string) =>
  database().scheduleRun.findMany({
    where: { scheduleId },
    include: { waves: { orderBy: { index: "asc" } } },
    orderBy: { plannedFor: "asc" },
  });
const runOf = async (scheduleId: string) => {
  const [run, ...others] = await runsOf(scheduleId);
  if (run === undefined || others.length > 0) throw new Error(`${others.length + 1} runs instead of one`);
  return run;
};

/** Looks at the night as it is at that moment until `isSo`. */
async function lookUntil(ms: number, isSo: () => Promise<boolean>): Promise<void> {
  await expect
    .poll(
      async () => {
        await look(ms);
        return isSo();
      },
      { timeout: 30_000, interval: 100 },
    )
    .toBe(true);
}

test("a night with a failing PC, an overrun, a worker restart and an emptied Redis ends in a digest that is true", async () => {
  const operator = await makeViewer("operator");
  const admin = await makeViewer("admin");
  const [roomA, roomB, roomC] = [await makeRoom(4), await makeRoom(3), await makeRoom(1)];
  await createWindow(operator, {
    groupId: roomB,
    days: [0, 1, 2, 3, 4, 5, 6],
    fromMinute: 60,
    toMinute: 5 * 60,
    timeZone: "UTC",
  });
  await createBlackout(operator, {
    groupId: roomC,
    from: new Date(TWO - HOUR_MS).toISOString(),
    to: new Date(TWO + 3 * HOUR_MS).toISOString(),
    reason: "Exams",
  });
  const waves = { canaryCount: 1, waveSize: 3, failPercentMax: 50 };
  const a = await createSchedule(operator, { ...snapshotOf(roomA, "Room A"), waves });
  const oneByOne = { canaryCount: 1, waveSize: 1, failPercentMax: 100 };
  const b = await createSchedule(operator, { ...snapshotOf(roomB, "Room B"), waves: oneByOne });
  const c = await createSchedule(operator, { ...snapshotOf(roomC, "Room C"), whenClosed: "skip" });
  const gc = await createSchedule(operator, {
    ...snapshotOf(roomA, "GC"),
    kind: "gc",
    target: { kind: "repository" },
    cron: "0 3 * * *",
  });
  await chooseMailServer(admin, {
    host: "127.0.0.1",
    port: sink.port,
    security: "none",
    from: "sheepfold@example.org",
  });
  await createRecipient(admin, { name: "IT", kind: "mail", address: "it@example.org" });
  await chooseDigest(admin, { atMinute: 7 * 60, timeZone: "UTC" });

  // Before its time nothing happens; at its time, seen by several at once, each schedule runs once.
  await look(TWO - SECOND_MS);
  expect(await database().scheduleRun.count()).toBe(0);
  await Promise.all([look(TWO + SECOND_MS), look(TWO + SECOND_MS), look(TWO + 2 * SECOND_MS)]);
  const runA = await runOf(a.id);
  const runB = await runOf(b.id);
  expect(runA.state).toBe("running");
  expect(await runOf(c.id)).toMatchObject({ state: "skipped", reason: expect.stringContaining("Exams") });
  expect(runA.waves).toHaveLength(1);
  expect(runA.waves[0]?.nodeIds).toEqual(runA.nodeIds.slice(0, 1));

  // One PC of room A will fail, in the second wave. The second PC of room B takes the whole night.
  failing.add(runA.nodeIds[3] ?? "");
  held.add(runB.nodeIds[1] ?? "");
  const stateOfHeld = async () => {
    const task = await database().task.findFirst({ where: { nodeId: runB.nodeIds[1] ?? "" } });
    return task?.state;
  };
  const first = startWorker("worker-1");
  await lookUntil(TWO + HOUR_MS / 2, async () => (await runOf(b.id)).waves.length === 2);
  await lookUntil(TWO + HOUR_MS / 2, async () => (await runOf(a.id)).state === "partial");

  // The worker stops in the middle, Redis loses all it had.
  const redis = new Redis(environment("REDIS_URL"));
  await redis.flushall();
  await redis.quit();
  await first.stop();
  const second = startWorker("worker-2");
  cleanups.push(() => second.stop());
  await lookUntil(TWO + HOUR_MS + SECOND_MS, async () => (await runsOf(gc.id))[0]?.state === "succeeded");

  await expect.poll(stateOfHeld, { timeout: 20_000 }).toBe("running");

  // The window of room B ends at five: what runs may end, the third PC does not begin.
  await look(TWO + 3 * HOUR_MS + SECOND_MS);
  expect((await runOf(b.id)).state).toBe("running");
  held.clear();
  await lookUntil(TWO + 3 * HOUR_MS + SECOND_MS, async () => (await runOf(b.id)).state === "partial");
  const endedB = await runOf(b.id);
  expect(endedB.waves).toHaveLength(2);
  expect(endedB.reason).toContain("The window ended");
  expect(endedB.reason).toContain("1 PC was not begun");

  // Morning. Several look; one mail comes.
  const morning = TWO + 5 * HOUR_MS + SECOND_MS;
  expect(sink.mails).toHaveLength(0);
  await Promise.all([look(morning), look(morning), look(morning + SECOND_MS)]);
  await look(morning + HOUR_MS);
  expect(troubles).toEqual([]);
  expect(sink.mails).toHaveLength(1);
  const mail = plainText(sink.mails[0] ?? "");
  const failedName = (await database().node.findUniqueOrThrow({ where: { id: runA.nodeIds[3] ?? "" } })).name;
  expect(mail).toContain("Subject: Sheepfold: 3 of 4 runs did not succeed");
  expect(mail).toContain("5 of 6 PCs succeeded, 1 failed. 1 of 4 runs succeeded.");
  expect(mail).toMatch(/Did not run:\n- Room C, planned .* skipped\. Nothing may begin: Exams/);
  expect(mail).toMatch(/Room A, .*: partial, 3 of 4 PCs succeeded/);
  expect(mail).toContain(`failed: 1 × source-read-failed (${failedName}): sector 7 unreadable`);
  expect(mail).toMatch(/Room B, .*: partial, 2 of 2 PCs succeeded, 1 not begun\. The window ended/);
  expect(mail).toMatch(/GC, .*: succeeded\./);
  expect(mail).toMatch(/Storage:\n- .*/);
  expect(await listDeliveries(10)).toMatchObject([
    { state: "sent", attempt: 1, answer: "250 kept as number 7" },
  ]);

  // The next night starts where this one ended.
  for (const { id } of [a, b, c, gc]) await removeSchedule(operator, { scheduleId: id });
});

test("a server that comes back after days runs once, says so, and gives the alarm; a maker who lost the role does no more", async () => {
  const operator = await makeViewer("operator");
  const room = await makeRoom(1);
  const schedule = await createSchedule(operator, snapshotOf(room, "Long away"));
  await changeUser(operator.id, { role: "viewer" });
  const back = TWO + 3 * 24 * HOUR_MS + 6 * HOUR_MS;
  sink.refuse("550 No such user here");
  await look(back);
  await lookUntil(back, async () => (await runOf(schedule.id)).state === "failed");
  const run = await runOf(schedule.id);
  expect(run.plannedFor.getTime()).toBe(TWO + 3 * 24 * HOUR_MS);
  expect(run.waves).toMatchObject([{ failureCode: "not-permitted", jobId: null }]);
  const alarm = async () => (await listDeliveries(20)).find(({ subject }) => subject === `missed ${run.id}`);
  expect(await alarm()).toMatchObject({ state: "pending", attempt: 1, answer: "550 No such user here" });
  sink.refuse(null);
  const before = sink.mails.length;
  await look(back + 59 * SECOND_MS);
  expect(await alarm()).toMatchObject({ state: "pending", attempt: 1 });
  await look(back + 61 * SECOND_MS);
  expect(await alarm()).toMatchObject({ state: "sent", attempt: 2 });
  expect(sink.mails.length).toBeGreaterThan(before);
  expect(sink.mails.map(plainText).join()).toContain("Subject: Sheepfold: Long away was missed");
});

test("a result that does not come by its time and grace is told once", async () => {
  const operator = await makeViewer("operator");
  const room = await makeRoom(1);
  const schedule = await createSchedule(operator, { ...snapshotOf(room, "Hangs"), graceMinutes: 30 });
  const [node] = await database().node.findMany({ where: { groupId: room } });
  held.add(node?.id ?? "");
  await look(TWO + SECOND_MS);
  const run = await runOf(schedule.id);
  const alarms = async () =>
    (await listDeliveries(50)).filter(({ subject }) => subject === `alarm ${run.id}`);
  await look(TWO + 4 * HOUR_MS);
  expect(await alarms()).toHaveLength(0);
  await Promise.all([look(TWO + 5 * HOUR_MS), look(TWO + 5 * HOUR_MS)]);
  await look(TWO + 6 * HOUR_MS);
  expect(await alarms()).toHaveLength(1);
  held.clear();
  await removeSchedule(operator, { scheduleId: schedule.id });
});

test("a roll back goes by canary and waves, is planned and applied wave by wave, and says who was left out", async () => {
  const operator = await makeViewer("operator");
  const room = await makeRoom(3);
  const nodes = await database().node.findMany({ where: { groupId: room }, orderBy: { name: "asc" } });
  for (const { name } of nodes.slice(0, 2)) await makeSnapshot(name, new Date(Date.now() - HOUR_MS));
  const schedule = await createSchedule(operator, {
    ...snapshotOf(room, "Back"),
    kind: "roll-back",
    waves: { canaryCount: 1, waveSize: 0, failPercentMax: 0 },
  });
  await look(TWO + SECOND_MS);
  // A crash between the job and the wave's row: whoever looks next finds the job, and makes no second one.
  const [first] = (await runOf(schedule.id)).waves;
  await database().scheduleWave.updateMany({ where: { jobId: first?.jobId ?? "" }, data: { jobId: null } });
  await look(TWO + 2 * SECOND_MS);
  expect((await runOf(schedule.id)).waves[0]?.jobId).toBe(first?.jobId);

  await lookUntil(TWO + 3 * SECOND_MS, async () => (await runOf(schedule.id)).state === "succeeded");
  const { waves } = await runOf(schedule.id);
  expect(waves).toHaveLength(2);
  const jobs = await database().job.findMany({
    where: { id: { in: waves.map(({ jobId }) => jobId ?? "") } },
    include: { tasks: true, plan: true },
    orderBy: { createdAt: "asc" },
  });
  expect(await database().job.count({ where: { groupId: room } })).toBe(2);
  expect(jobs.map(({ kind, state }) => [kind, state])).toEqual([
    ["roll_back_classroom", "succeeded"],
    ["roll_back_classroom", "succeeded"],
  ]);
  expect(jobs.map(({ tasks }) => tasks.length)).toEqual([1, 2]);
  expect(jobs[1]?.tasks.map(({ failureCode }) => failureCode)).toContain("nothing-to-restore");
  expect(jobs.every(({ plan }) => plan?.state === "applied")).toBe(true);
  await removeSchedule(operator, { scheduleId: schedule.id });
});

test("at the window's end what runs is cancelled when the schedule says so, and a prune with nothing to do is a success", async () => {
  const admin = await makeViewer("admin");
  const room = await makeRoom(1);
  const always = { days: [0, 1, 2, 3, 4, 5, 6], fromMinute: 0, toMinute: 4 * 60, timeZone: "UTC" };
  await createWindow(admin, { ...always, groupId: room });
  const [node] = await database().node.findMany({ where: { groupId: room } });
  held.add(node?.id ?? "");
  const schedule = await createSchedule(admin, { ...snapshotOf(room, "Too long"), whenOver: "cancel" });
  await chooseRetention(admin, { repositoryId: repository.info.id, keep: { last: 3 }, timeZone: "UTC" });
  const prune = await createSchedule(admin, {
    ...snapshotOf(room, "Prune"),
    kind: "prune",
    target: { kind: "repository" },
  });
  await look(TWO + SECOND_MS);
  const taskOfNode = () => database().task.findFirst({ where: { nodeId: node?.id ?? "" } });
  await expect.poll(async () => (await taskOfNode())?.state, { timeout: 20_000 }).toBe("running");
  await lookUntil(TWO + 2 * HOUR_MS, async () => (await runOf(schedule.id)).state === "cancelled");
  expect((await runOf(schedule.id)).reason).toContain("The window ended");
  held.clear();

  // Whoever cancels a wave's job stops the run: its other PCs do not begin.
  const twoPcs = await makeRoom(2);
  const one = await createSchedule(admin, {
    ...snapshotOf(twoPcs, "Stopped by hand"),
    waves: { canaryCount: 1, waveSize: 1, failPercentMax: 100 },
  });
  for (const { id } of await database().node.findMany({ where: { groupId: twoPcs } })) held.add(id);
  await look(TWO + SECOND_MS);
  await expect(changeScheduleOf(admin, { ...snapshotOf(twoPcs, "x"), scheduleId: one.id })).rejects.toThrow(
    /under way/,
  );
  await cancelJob(admin, { jobId: (await runOf(one.id)).waves[0]?.jobId ?? "" });
  await lookUntil(TWO + 2 * SECOND_MS, async () => (await runOf(one.id)).state === "cancelled");
  expect(await runOf(one.id)).toMatchObject({ reason: "Somebody cancelled it; 1 PC was not begun." });
  expect((await runOf(one.id)).waves).toHaveLength(1);
  await removeSchedule(admin, { scheduleId: one.id });
  held.clear();
  await lookUntil(TWO + 2 * HOUR_MS, async () => (await runOf(prune.id)).state === "succeeded");
  expect((await runOf(prune.id)).reason).toBe("There was no snapshot to let go of.");
  for (const { id } of [schedule, prune]) await removeSchedule(admin, { scheduleId: id });
});

test("the test button tells what the mail server really answered", async () => {
  const admin = await makeViewer("admin");
  const { id: recipientId } = await createRecipient(admin, {
    name: "Typo",
    kind: "mail",
    address: "no@example.org",
  });
  expect(await testRecipient(admin, { recipientId })).toEqual({ answer: "250 kept as number 7" });
  sink.refuse("550 No such user here");
  await expect(testRecipient(admin, { recipientId })).rejects.toThrow(/550 No such user here/);
  sink.refuse(null);
});
