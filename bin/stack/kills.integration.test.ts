// The whole product under kill -9: the worker in the middle of an archive, an agent in the middle of a restore, at random moments.
// No snapshot may be lost or doubled, the repository stays clean, and the same job completes by itself.
//
// KILL_ROUNDS=10 KILL_SEED=7 npx vitest run --project integration bin/stack/kills   repeats with more rounds.
import { execFileSync } from "node:child_process";
import { createCipheriv, randomInt, randomUUID } from "node:crypto";
import { closeSync, copyFileSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ApiClient, type JobView } from "./api-client.ts";
import { type SimulatedClassroom, startSimulatedClassroom } from "./classroom.ts";
import { type Stack, startStack } from "./stack.ts";

const MIB = 1024 * 1024;
const ROUNDS = Number(process.env.KILL_ROUNDS ?? 2);
const SEED = Number(process.env.KILL_SEED ?? randomInt(1_000_000));
/** New bytes per round: enough that archiving and restoring them takes seconds, and a kill lands in the middle. */
const CHANGED_BYTES = 96 * MIB;
const CHANGED_FROM = 64 * MIB;
const JOB_MS_MAX = 150_000;

let folder: string;
let stack: Stack;
let api: ApiClient;
let room: SimulatedClassroom;
const random = seededNumbers(SEED);

beforeAll(async () => {
  console.log(`kill rounds ${ROUNDS}, KILL_SEED=${SEED}`);
  folder = mkdtempSync(join(tmpdir(), "sheepfold-kills-"));
  stack = await startStack({ dir: folder });
  api = new ApiClient(stack.appUrl);
  await api.signIn(stack.admin);
  room = await startSimulatedClassroom(stack, api, { name: "Kill room", pcCount: 1, log: console.log });
}, 300_000);

afterAll(async () => {
  await stack?.stop();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

test("a worker killed in mid-archive loses nothing: the job completes after its restart, once", {
  timeout: ROUNDS * JOB_MS_MAX,
}, async () => {
  for (let round = 0; round < ROUNDS; round++) {
    scribble(round);
    const jobId = await snapshot(`round ${round}`);
    await untilRunning(jobId);
    await pause(random(1500));
    stack.worker().kill("SIGKILL");
    await stack.worker().exited;
    await stack.restartWorker();
    const job = await finished(jobId);
    expect(job.state, JSON.stringify(job.failure)).toBe("succeeded");
  }
  expect(verify().findings).toEqual([]);
  expect(listed()).toHaveLength(await snapshotCount());
  // One snapshot per job, however often it began.
  expect(await snapshotCount()).toBe(ROUNDS);
});

test("an agent killed in mid-restore completes the same job when it comes back, byte for byte", {
  timeout: ROUNDS * JOB_MS_MAX + 60_000,
}, async () => {
  const pc = room.pcs[0] as SimulatedClassroom["pcs"][number];
  const wanted = join(folder, "wanted.img");
  scribble(1000);
  const before = await finished(await snapshot("to come back to"));
  expect(before.state).toBe("succeeded");
  copyFileSync(pc.disk, wanted);
  const at = new Date().toISOString();
  let agent = pc.agent;
  for (let round = 0; round < ROUNDS; round++) {
    scribble(2000 + round);
    const jobId = await rollBack(at);
    await untilRunning(jobId);
    await pause(random(1500));
    agent.kill("SIGKILL");
    await agent.exited;
    agent = await stack.startAgent({ name: pc.name, disk: pc.disk });
    const job = await finished(jobId);
    expect(job.state, JSON.stringify(job)).toBe("succeeded");
    execFileSync("cmp", [pc.disk, wanted]);
  }
  expect(verify().findings).toEqual([]);
});

test("without worker and database the command line lists, verifies and restores what the dashboard made", async () => {
  await stack.worker().stop();
  const [newest] = listed().slice(-2);
  const target = join(folder, "restored.img");
  const repository = stack.env.SHEEPFOLD_REPOSITORY as string;
  const report = cli("repo", "restore", repository, newest?.id ?? "", target);
  expect(report).toMatchObject({ target });
  expect(verify().findings).toEqual([]);
});

/** Fills a stretch of the disk with bytes that no compression shrinks and no earlier snapshot has. */
function scribble(round: number): void {
  const key = Buffer.alloc(32, round % 251);
  key.writeUInt32LE(SEED, 0);
  const stream = createCipheriv("aes-256-ctr", key, Buffer.alloc(16, round >> 8));
  const file = openSync((room.pcs[0] as SimulatedClassroom["pcs"][number]).disk, "r+");
  const zeros = Buffer.alloc(MIB);
  for (let done = 0; done < CHANGED_BYTES; done += MIB) {
    writeSync(file, stream.update(zeros), 0, MIB, CHANGED_FROM + done);
  }
  closeSync(file);
}

async function snapshot(comment: string): Promise<string> {
  const path = `/api/v1/groups/${room.groupId}/snapshots`;
  return (await api.post<{ jobId: string }>(path, { comment }, randomUUID())).jobId;
}

async function rollBack(at: string): Promise<string> {
  const wish = { kind: "roll-back-classroom", subjectId: room.groupId, at };
  const plan = await api.post<{ id: string; hash: string }>("/api/v1/plans", wish);
  const yes = { planHash: plan.hash, confirmName: room.name };
  return (await api.post<{ jobId: string }>(`/api/v1/plans/${plan.id}/apply`, yes, randomUUID())).jobId;
}

async function untilRunning(jobId: string): Promise<void> {
  for (;;) {
    const job = await api.get<JobView>(`/api/v1/jobs/${jobId}`);
    if (job.tasks.some((task) => task.state !== "waiting" && task.state !== "ready")) return;
    await pause(50);
  }
}

function finished(jobId: string): Promise<JobView> {
  return api.followJob(jobId, () => undefined);
}

async function snapshotCount(): Promise<number> {
  return (await api.get<{ items: readonly unknown[] }>("/api/v1/snapshots")).items.length;
}

interface Listed {
  readonly id: string;
  readonly partition: string;
}

/** The repository's own list, without the disk layouts that come with each snapshot. */
function listed(): Listed[] {
  const all = cli("repo", "list", stack.env.SHEEPFOLD_REPOSITORY as string) as Listed[];
  return all.filter((image) => image.partition === "p1");
}

function verify(): { findings: readonly unknown[] } {
  return cli("repo", "verify", stack.env.SHEEPFOLD_REPOSITORY as string) as { findings: readonly unknown[] };
}

/** The real program without any of the product's settings: it must need neither Postgres nor Redis. */
function cli(...args: string[]): unknown {
  const program = join(import.meta.dirname, "../sheepfold.mjs");
  const printed = execFileSync(process.execPath, [program, ...args, "--json"], {
    encoding: "utf8",
    env: { ...process.env, DATABASE_URL: "", REDIS_URL: "" },
  });
  return JSON.parse(printed);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Numbers from 0 to below `max`, the same for the same seed (a linear congruential generator is plenty for moments). */
function seededNumbers(seed: number): (max: number) => number {
  let state = seed;
  return (max) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state % max;
  };
}
