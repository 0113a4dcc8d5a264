// The worker's parts on real Postgres and Redis and a real repository: jobs run once however often their tickets come, survive
// lost tickets, lost workers, a stopped Redis and a database that goes away.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, mkdtemp, readdir, rm } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { chooseDatabase, closeDatabase, database } from "#lib/db/client.ts";
import { loseWorker } from "#lib/db/job-upkeep.ts";
import { claimJob, findJob, tasksOfJob } from "#lib/db/jobs.ts";
import { closeNotifications, notify, subscribe } from "#lib/db/notify.ts";
import { findSnapshot } from "#lib/db/snapshots.ts";
import { failTask } from "#lib/db/tasks.ts";
import { makeJob, makeNode, makeSnapshot, REPOSITORY_ID } from "#lib/db/test-rows.ts";
import { createTestDatabase, type TestDatabase } from "#lib/db/testing.ts";
import { createRepository, openLocalDisk, openRepository, type Repository } from "#lib/engine/repository.ts";
import { forgetEnvironment } from "#lib/env.ts";
import { consumeTickets } from "#lib/queue/consume.ts";
import { closeQueue, enqueue } from "#lib/queue/enqueue.ts";
import { JobSlots } from "./job-slots.ts";
import { type JobWatch, watchJobs } from "./job-watch.ts";
import { PROCESSORS } from "./processors/all.ts";
import { reconcile } from "./reconcile.ts";
import { claimAndRun, type WorkerContext } from "./run-job.ts";
import { startSweeper } from "./sweeper.ts";
import { startTestAgent } from "./test-agents.ts";
import { startTestProxy, type TestProxy } from "./test-proxy.ts";

let db: TestDatabase;
let folder: string;
let repository: Repository;
let watch: JobWatch;
const cleanups: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  db = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), "sheepfold-worker-test-"));
  const storage = await openLocalDisk(folder);
  await createRepository({ storage });
  repository = await openRepository({ storage, access: "write", threads: 0 });
  await reconcile(repository, folder);
  watch = await watchJobs();
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
afterAll(async () => {
  await watch.close();
  await repository.close();
  await closeQueue();
  await db.drop();
  await rm(folder, { recursive: true, force: true });
});

function contextOf(change: Partial<WorkerContext> = {}): WorkerContext {
  const stopping = new AbortController().signal;
  return { workerId: "worker-1", repository, watch, processors: PROCESSORS, stopping, ...change };
}

async function runToEnd(jobId: string, context = contextOf()): Promise<boolean> {
  const run = await claimAndRun(jobId, context);
  await run?.ended;
  return run !== null;
}

async function nodesWithAgents(
  count: number,
  work?: Parameters<typeof startTestAgent>[1],
): Promise<string[]> {
  const ids: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const node = await makeNode();
    const agent = startTestAgent(node.id, work);
    cleanups.push(() => agent.stop());
    ids.push(node.id);
  }
  return ids;
}

const stateOf = async (jobId: string) => (await findJob(jobId))?.state;

async function archiveBytes(node: string, bytes: Uint8Array): Promise<string> {
  const session = await repository.beginArchive({ node });
  const source = {
    sizeBytes: bytes.length,
    read: async (offset: number, into: Uint8Array) => into.set(bytes.subarray(offset, offset + into.length)),
  };
  await session.archiveSource({ partition: "p1" }, source);
  return (await session.commit()).id;
}

describe("a job of agents", () => {
  test("runs once, adds up its tasks and leaves a storage sample; run again, it does nothing", async () => {
    const jobId = await makeJob(await nodesWithAgents(3));
    const runs = await Promise.all([runToEnd(jobId), runToEnd(jobId), runToEnd(jobId)]);
    expect(runs.filter((ran) => ran)).toHaveLength(1);
    expect(await findJob(jobId)).toMatchObject({
      state: "succeeded",
      doneBytes: 300,
      report: { succeededCount: 3, readBytes: 300, writtenBytes: 30 },
    });
    expect(await database().storageSample.count()).toBeGreaterThan(0);
    expect(await runToEnd(jobId)).toBe(false);
  });

  test("ends as partial when some fail, and names them", async () => {
    const good = await nodesWithAgents(1);
    const bad = await nodesWithAgents(1, async (task, leaseId) => {
      const failure = { code: "source-read-failed", message: "sector 7 unreadable", hint: null } as const;
      await failTask(task.taskId, leaseId, failure, "never");
    });
    const jobId = await makeJob([...good, ...bad]);
    await runToEnd(jobId);
    const job = await findJob(jobId);
    expect(job).toMatchObject({ state: "partial", failure: { code: "job-partly-failed" } });
    expect(job?.failure?.message).toContain("sector 7 unreadable");
  });

  test("stopped with its worker it is queued again, and the next worker finishes what is left", async () => {
    const [done] = await nodesWithAgents(1);
    const late = await makeNode();
    const jobId = await makeJob([done ?? "", late.id]);
    const stopping = new AbortController();
    const run = await claimAndRun(jobId, contextOf({ stopping: stopping.signal }));
    await expect.poll(async () => (await findJob(jobId))?.doneBytes, { timeout: 20_000 }).toBe(100);
    stopping.abort();
    await run?.ended;
    expect(await stateOf(jobId)).toBe("queued");
    const agent = startTestAgent(late.id);
    cleanups.push(() => agent.stop());
    await runToEnd(jobId, contextOf({ workerId: "worker-2" }));
    expect(await findJob(jobId)).toMatchObject({ state: "succeeded", attempt: 2 });
    const tasks = await tasksOfJob(jobId);
    expect(tasks.find((task) => task.nodeId === done)?.attempt).toBe(1);
  });

  test("a worker that was declared lost stops working on the job and cannot end it", async () => {
    const node = await makeNode();
    const jobId = await makeJob([node.id]);
    const run = await claimAndRun(jobId, contextOf());
    await loseWorker(jobId, "worker-1");
    await claimJob(jobId, { workerId: "worker-2", repositoryId: repository.info.id });
    await run?.ended;
    expect(await stateOf(jobId)).toBe("running");
    expect((await database().job.findUniqueOrThrow({ where: { id: jobId } })).workerId).toBe("worker-2");
  });
});

describe("verify", () => {
  test("marks whole snapshots as verified and damaged ones as corrupt", async () => {
    const node = await makeNode();
    const bytes = new Uint8Array(600_000).map((_, index) => (index * 2_654_435_761) >>> 13);
    const snapshotId = await archiveBytes(node.name, bytes);
    await reconcile(repository, folder);
    const tasks = [{ kind: "verify", nodeId: null }] as const;
    const first = await makeJob([], { kind: "verify", tasks });
    await runToEnd(first);
    expect(await findJob(first)).toMatchObject({ state: "succeeded", report: { findings: [] } });
    expect((await findSnapshot(snapshotId))?.verifyState).toBe("verified");
    expect((await tasksOfJob(first))[0]).toMatchObject({ state: "succeeded", step: "done" });

    const packs = (await readdir(folder, { recursive: true })).filter((name) => /packs?\//.test(name));
    const files = packs.filter((name) => /[0-9a-f]{64}/.test(name));
    expect(files.length).toBeGreaterThan(0);
    for (const name of files) await appendFile(join(folder, name), "rot");
    const second = await makeJob([], { kind: "verify", tasks });
    await runToEnd(second);
    expect(await stateOf(second)).toBe("failed");
    expect((await findJob(second))?.failure?.hint).toContain("corrupt");
  });

  test("rows whose snapshot the repository lacks are marked, missing rows are made", async () => {
    const ghost = await makeSnapshot((await makeNode()).name);
    await database().snapshot.update({
      where: { id: ghost.id },
      data: { repositoryId: repository.info.id, sequence: 9_999 },
    });
    await reconcile(repository, folder);
    expect((await findSnapshot(ghost.id))?.verifyState).toBe("corrupt");
    expect(REPOSITORY_ID).not.toBe(repository.info.id);
    const [stored] = repository.snapshots();
    await database().snapshot.delete({ where: { id: stored?.id ?? "" } });
    await reconcile(repository, folder);
    expect(await findSnapshot(stored?.id ?? "")).not.toBeNull();
  });
});

describe("tickets", () => {
  test("a ticket delivered starts the job; delivered again it does no harm", async () => {
    const slots = new JobSlots(contextOf(), 4);
    const consumer = consumeTickets(
      ({ jobId }) => slots.run(jobId),
      () => undefined,
    );
    cleanups.push(() => consumer.close());
    const jobId = await makeJob(await nodesWithAgents(1));
    expect(await enqueue(jobId)).toBe(true);
    await expect.poll(() => stateOf(jobId), { timeout: 20_000 }).toBe("succeeded");
    expect(await enqueue(jobId)).toBe(true);
    await slots.idle();
    expect(await findJob(jobId)).toMatchObject({ state: "succeeded", attempt: 1 });
  });

  test("a lost ticket is issued again from the row", async () => {
    const slots = new JobSlots(contextOf(), 4);
    const consumer = consumeTickets(
      ({ jobId }) => slots.run(jobId),
      () => undefined,
    );
    cleanups.push(() => consumer.close());
    const jobId = await makeJob(await nodesWithAgents(1)); // and no enqueue
    const sweeper = startSweeper({ agentWaitMs: 120_000, onQueuedWithoutQueue: async () => undefined });
    cleanups.push(() => sweeper.stop());
    await expect.poll(() => stateOf(jobId), { timeout: 30_000 }).toBe("succeeded");
  });

  test("with all slots taken, a sweep that finds a queued job does not wait for a free one", async () => {
    const slots = new JobSlots(contextOf(), 1);
    const [waiting, free] = [await makeNode(), await makeNode()];
    const first = await makeJob([waiting.id]);
    await slots.run(first);
    const second = await makeJob([free.id]);
    await slots.runIfFree(second);
    expect(await stateOf(second)).toBe("queued");
    const agents = [startTestAgent(waiting.id), startTestAgent(free.id)];
    await slots.idle();
    await slots.runIfFree(second);
    await slots.idle();
    await Promise.all(agents.map((agent) => agent.stop()));
    expect([await stateOf(first), await stateOf(second)]).toEqual(["succeeded", "succeeded"]);
  });

  test("with Redis stopped wishes are kept and run; started again, tickets flow as before", async () => {
    const port = await freePort();
    const before = process.env.REDIS_URL;
    process.env.REDIS_URL = `redis://127.0.0.1:${port}`;
    forgetEnvironment();
    await closeQueue();
    cleanups.push(async () => {
      await closeQueue();
      process.env.REDIS_URL = before;
      forgetEnvironment();
    });
    const lines: string[] = [];
    const slots = new JobSlots(contextOf(), 4);
    const consumer = consumeTickets(
      ({ jobId }) => slots.run(jobId),
      (line) => lines.push(line),
    );
    cleanups.push(() => consumer.close());
    const away = await makeJob(await nodesWithAgents(1));
    expect(await enqueue(away)).toBe(false);
    expect(lines.join()).toContain("Redis");
    const sweeper = startSweeper({
      agentWaitMs: 120_000,
      onQueuedWithoutQueue: (jobId) => slots.runIfFree(jobId),
    });
    await expect.poll(() => stateOf(away), { timeout: 30_000 }).toBe("succeeded");
    await sweeper.stop();

    const redis = await startRedis(port);
    cleanups.push(async () => void redis.kill());
    const back = await makeJob(await nodesWithAgents(1));
    await expect.poll(() => enqueue(back), { timeout: 20_000 }).toBe(true);
    await expect.poll(() => stateOf(back), { timeout: 20_000 }).toBe("succeeded");
  });
});

describe("the database", () => {
  test("gone and back again: subscribers hear again, and are told that they may have missed something", async () => {
    const proxy = await throughProxy();
    const heard: string[] = [];
    let gaps = 0;
    await subscribe(
      "nodes",
      (nodeId) => heard.push(nodeId),
      () => {
        gaps += 1;
      },
    );
    await notify("nodes", "before");
    await expect.poll(() => heard).toEqual(["before"]);
    await proxy.shut();
    await expect(notify("nodes", "while away")).rejects.toMatchObject({ code: "database-unavailable" });
    await proxy.open();
    await expect.poll(() => gaps, { timeout: 20_000 }).toBe(1);
    await notify("nodes", "after");
    await expect.poll(() => heard).toEqual(["before", "after"]);
  });

  test("fallen silent without a word, it counts as away in time, and is there again when it is back", async () => {
    const proxy = await throughProxy();
    const node = await makeNode();
    const jobId = await makeJob([node.id]);
    proxy.freeze();
    await expect(findJob(jobId)).rejects.toMatchObject({ code: "database-unavailable", retry: "later" });
    await proxy.shut();
    await proxy.open();
    await expect.poll(() => stateOf(jobId).catch(() => "away"), { timeout: 20_000 }).toBe("queued");
  });

  test("gone in the middle of a job and back again: the job goes on and ends", async () => {
    const proxy = await throughProxy();
    const node = await makeNode();
    const jobId = await makeJob([node.id]);
    const run = await claimAndRun(jobId, contextOf());
    await expect.poll(async () => (await tasksOfJob(jobId))[0]?.state, { timeout: 10_000 }).toBe("ready");
    await proxy.shut();
    await expect(findJob(jobId)).rejects.toMatchObject({ code: "database-unavailable", retry: "later" });
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    await proxy.open();
    const agent = startTestAgent(node.id);
    await run?.ended;
    await agent.stop();
    expect(await findJob(jobId)).toMatchObject({ state: "succeeded", attempt: 1 });
  });
});

/** This process's way to its database, for one test, is a door that can be shut. */
async function throughProxy(): Promise<TestProxy> {
  const real = new URL(db.url);
  const proxy = await startTestProxy({ host: real.hostname, port: Number(real.port) });
  const through = new URL(db.url);
  through.hostname = "127.0.0.1";
  through.port = String(proxy.port);
  await closeNotifications();
  await closeDatabase();
  chooseDatabase(through.href);
  cleanups.push(async () => {
    await closeNotifications();
    await closeDatabase();
    await proxy.shut();
    chooseDatabase(db.url);
  });
  return proxy;
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  if (address === null || typeof address === "string") throw new Error("Bug: a TCP server has a port");
  return address.port;
}

async function startRedis(port: number): Promise<ChildProcess> {
  const args = ["--port", String(port), "--save", "", "--appendonly", "no", "--dir", folder];
  const redis = spawn("redis-server", args, { stdio: ["ignore", "pipe", "inherit"] });
  for await (const chunk of redis.stdout) if (String(chunk).includes("Ready to accept")) return redis;
  throw new Error("redis-server ended");
}
