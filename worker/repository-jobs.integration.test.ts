// Work on the repository as jobs, on real Postgres and a real repository: an evaluation goes on where its worker died, a prune
// removes what its plan has shown and nothing else, pins keep, GC, re-segment and scrub run beside an archive and tell what they found.
import { appendFile, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { chooseRetention } from "#lib/commands/choose-storage.ts";
import { evaluateSnapshots } from "#lib/commands/evaluate-snapshots.ts";
import { pinSnapshot, unpinSnapshot } from "#lib/commands/pin-snapshot.ts";
import {
  applyPrune,
  collectGarbage,
  planPruneJob,
  reSegmentRepository,
  scrubRepository,
} from "#lib/commands/upkeep.ts";
import { database } from "#lib/db/client.ts";
import { newestEvaluation } from "#lib/db/evaluations.ts";
import { askToCancel, findJob, tasksOfJob } from "#lib/db/jobs.ts";
import { findSnapshot } from "#lib/db/snapshots.ts";
import { makeNode, makeViewer, unique } from "#lib/db/test-rows.ts";
import { createTestDatabase, type TestDatabase } from "#lib/db/testing.ts";
import {
  createRepository,
  openLocalDisk,
  openRepository,
  type Repository,
  type Storage,
} from "#lib/engine/repository.ts";
import { closeQueue } from "#lib/queue/enqueue.ts";
import { type JobWatch, watchJobs } from "./job-watch.ts";
import { PROCESSORS } from "./processors/all.ts";
import { reconcile } from "./reconcile.ts";
import { claimAndRun, type WorkerContext } from "./run-job.ts";

const PAGE = 256 * 1024;

let db: TestDatabase;
let folder: string;
let disk: Storage;
let repository: Repository;
let watch: JobWatch;

beforeAll(async () => {
  db = await createTestDatabase();
  watch = await watchJobs();
});
beforeEach(async () => {
  await repository?.close();
  await disk?.close();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  folder = await mkdtemp(join(tmpdir(), "sheepfold-jobs-test-"));
  disk = await openLocalDisk(folder);
  await createRepository({ storage: disk });
  repository = await openRepository({ storage: disk, access: "write", threads: 0 });
  await reconcile(repository, folder);
});
afterAll(async () => {
  await watch.close();
  await repository.close();
  await disk.close();
  await closeQueue();
  await db.drop();
  await rm(folder, { recursive: true, force: true });
});

/** As after the worker's restart. */
async function openAnew(): Promise<void> {
  await repository.close();
  await disk.close();
  disk = await openLocalDisk(folder);
  repository = await openRepository({ storage: disk, access: "write", threads: 0 });
}

function contextOf(change: Partial<WorkerContext> = {}): WorkerContext {
  const stopping = new AbortController().signal;
  return { workerId: "worker-1", repository, watch, processors: PROCESSORS, stopping, ...change };
}

async function runToEnd(jobId: string, context = contextOf()) {
  const run = await claimAndRun(jobId, context);
  await run?.ended;
  return findJob(jobId);
}

function noise(bytes: number, seed: number): Uint8Array {
  let state = seed * 2_654_435_761 + 1;
  return new Uint8Array(bytes).map(() => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  });
}

async function archive(node: string, bytes: Uint8Array): Promise<string> {
  const session = await repository.beginArchive({ node });
  const source = {
    sizeBytes: bytes.length,
    read: async (offset: number, into: Uint8Array) => into.set(bytes.subarray(offset, offset + into.length)),
  };
  await session.archiveSource({ partition: "p1" }, source);
  return (await session.commit()).id;
}

/** A PC's life in snapshots, each with one more page of its own; recorded. */
async function life(count: number): Promise<string[]> {
  const { name } = await makeNode();
  const ids: string[] = [];
  const bytes = noise(2 * PAGE, 1);
  for (let nth = 0; nth < count; nth += 1) {
    bytes.set(noise(PAGE, 10 + nth), PAGE);
    ids.push(await archive(name, bytes));
  }
  await reconcile(repository, folder);
  return ids;
}

async function files(kind: "packs" | "nodes"): Promise<string[]> {
  const found = await readdir(join(folder, kind), { recursive: true });
  return found.filter((name) => name.endsWith(".pack")).map((name) => join(folder, kind, name));
}

/** The repository, with something happening each time an evaluation has kept rows. */
function afterRows(deed: (signal: AbortSignal | undefined) => Promise<void>): Repository {
  const evaluate: Repository["evaluate"] = (request, options = {}) =>
    repository.evaluate(request, {
      ...options,
      onRows: async (rows) => {
        await options.onRows?.(rows);
        await deed(options.signal);
      },
    });
  return new Proxy(repository, {
    get(target, name) {
      if (name === "evaluate") return evaluate;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

describe("evaluate", () => {
  test("a worker that dies half-way loses no finished block size, and none is computed twice", async () => {
    const snapshotIds = await life(2);
    const viewer = await makeViewer("operator");
    const asked = { requestId: unique("request"), snapshotIds, blockSizes: [4096, 512, 65536] };
    const { jobId } = await evaluateSnapshots(viewer, asked);
    // Dies when the first block size is in the database.
    const death = new AbortController();
    const dying = afterRows(async () => {
      death.abort();
    });
    await runToEnd(jobId, contextOf({ repository: dying, stopping: death.signal }));
    expect((await findJob(jobId))?.state).toBe("queued");
    const kept = await database().evaluationRow.findMany();
    expect(new Set(kept.map((row) => row.blockSize))).toEqual(new Set([512]));
    // A mark that a second computation would wipe.
    await database().evaluationRow.updateMany({ data: { metadataBytes: 77n } });

    expect(await runToEnd(jobId, contextOf({ workerId: "worker-2" }))).toMatchObject({
      state: "succeeded",
      report: { keptRowCount: kept.length, rowCount: 3 * kept.length },
    });
    const view = await newestEvaluation(repository.info.id);
    expect(view?.finishedAt).not.toBeNull();
    expect(view?.rows).toHaveLength(3 * kept.length);
    const marked = view?.rows.filter((row) => row.metadataBytes === 77);
    expect(new Set(marked?.map((row) => row.blockSize))).toEqual(new Set([512]));
    expect(marked).toHaveLength(kept.length);
    const whole = await repository.evaluate({
      snapshots: snapshotIds.map((snapshotId) => ({ snapshotId })),
      blockSizes: [512, 4096, 65536],
    });
    const totals = (blockSize: number) =>
      whole.filter((row) => row.blockSize === blockSize).map((row) => row.totalBytes);
    expect(view?.rows.map((row) => row.totalBytes)).toEqual([512, 4096, 65536].flatMap(totals));
  });

  test("a cancel is heard in the middle and keeps what was computed", async () => {
    const snapshotIds = await life(1);
    const viewer = await makeViewer("operator");
    const { jobId } = await evaluateSnapshots(viewer, { requestId: unique("request"), snapshotIds });
    const slow = afterRows(async (signal) => {
      await askToCancel(jobId, { code: "job-cancelled", message: "enough", hint: null });
      await expect.poll(() => signal?.aborted, { timeout: 5_000 }).toBe(true);
    });
    const ended = await runToEnd(jobId, contextOf({ repository: slow }));
    expect(ended).toMatchObject({ state: "cancelled", failure: { code: "job-cancelled" } });
    expect((await tasksOfJob(jobId))[0]).toMatchObject({ state: "cancelled", step: "done" });
    expect((await newestEvaluation(repository.info.id))?.rows.length).toBeGreaterThan(0);
  });

  test("snapshots that are not there, odd block sizes and unknown compressions are refused", async () => {
    const snapshotIds = await life(1);
    const viewer = await makeViewer("operator");
    const ask = (change: object) =>
      evaluateSnapshots(viewer, { requestId: unique("request"), snapshotIds, ...change });
    await expect(ask({ snapshotIds: ["snap_none"] })).rejects.toMatchObject({ code: "snapshot-unknown" });
    await expect(ask({ blockSizes: [1000] })).rejects.toMatchObject({ code: "input-invalid" });
    await expect(ask({ compressions: ["lzma"] })).rejects.toMatchObject({ code: "input-invalid" });
    const onlooker = await makeViewer("viewer");
    const request = { requestId: unique("request"), snapshotIds };
    await expect(evaluateSnapshots(onlooker, request)).rejects.toMatchObject({ code: "not-permitted" });
  });
});

describe("prune and GC", () => {
  test("a plan removes nothing; applied it removes what it showed, and GC frees what only that needed", async () => {
    const ids = await life(4);
    const admin = await makeViewer("admin");
    const repositoryId = repository.info.id;
    await chooseRetention(admin, { repositoryId, keep: { last: 2 }, timeZone: "UTC" });
    const request = { requestId: unique("request"), repositoryId };
    const { jobId: planJobId } = await planPruneJob(admin, request);
    const planned = await runToEnd(planJobId);
    expect(planned).toMatchObject({ state: "succeeded", report: { removedIds: [] } });
    expect(repository.snapshots()).toHaveLength(4);

    // A snapshot made between plan and application moves the rules on; only what was shown goes.
    const newest = repository.snapshots().at(-1);
    await archive(newest?.node ?? "", noise(2 * PAGE, 99));
    await reconcile(repository, folder);
    const { jobId } = await applyPrune(admin, { requestId: unique("request"), planJobId });
    expect(await runToEnd(jobId)).toMatchObject({
      state: "succeeded",
      report: { removedIds: ids.slice(0, 2) },
    });
    expect(repository.snapshots().map(({ id }) => id)).toEqual(expect.arrayContaining(ids.slice(2)));
    expect(await findSnapshot(ids[0] ?? "")).toBeNull();
    expect(await findSnapshot(ids[3] ?? "")).not.toBeNull();

    const { jobId: twice } = await applyPrune(admin, { requestId: unique("request"), planJobId });
    expect(await runToEnd(twice)).toMatchObject({ state: "succeeded", report: { removedIds: [] } });

    const before = (await files("packs")).length;
    const open = await repository.beginArchive({ node: "somebody-else" });
    const looked = await runToEnd(
      (await collectGarbage(admin, { requestId: unique("request"), isPlan: true })).jobId,
    );
    expect(looked).toMatchObject({ state: "succeeded", report: { isPlan: true, freedBytes: 0 } });
    expect((await files("packs")).length).toBe(before);
    await open.abort();
    const freed = await runToEnd((await collectGarbage(admin, { requestId: unique("request") })).jobId);
    expect(freed?.state).toBe("succeeded");
    expect((await repository.verify()).findings).toEqual([]);
  });

  test("what must stay by now is not removed, nor anything with it", async () => {
    const ids = await life(3);
    const admin = await makeViewer("admin");
    const repositoryId = repository.info.id;
    await chooseRetention(admin, { repositoryId, keep: { last: 1 }, timeZone: "UTC" });
    const { jobId: planJobId } = await planPruneJob(admin, { requestId: unique("request"), repositoryId });
    await runToEnd(planJobId);
    await repository.pin(ids[1] ?? "", "the exam");
    const { jobId } = await applyPrune(admin, { requestId: unique("request"), planJobId });
    const ended = await runToEnd(jobId);
    expect(ended).toMatchObject({ state: "failed", failure: { code: "plan-changed" } });
    expect(ended?.failure?.message).toContain("the exam");
    expect(repository.snapshots()).toHaveLength(3);
  });

  test("only administrators prune, and only by a policy somebody chose", async () => {
    await life(1);
    const operator = await makeViewer("operator");
    const request = { requestId: unique("request"), repositoryId: repository.info.id };
    await expect(planPruneJob(operator, request)).rejects.toMatchObject({ code: "not-permitted" });
    const admin = await makeViewer("admin");
    await expect(planPruneJob(admin, request)).rejects.toMatchObject({ code: "input-invalid" });
  });
});

describe("pin", () => {
  test("a pinned snapshot stays in every plan with its reason, until it is unpinned", async () => {
    const [old = "", newest = ""] = await life(2);
    const [operator, admin] = [await makeViewer("operator"), await makeViewer("admin")];
    const repositoryId = repository.info.id;
    await chooseRetention(admin, { repositoryId, keep: { last: 1 }, timeZone: "UTC" });
    const verdictOnOld = async () => {
      const planned = await planPruneJob(admin, { requestId: unique("request"), repositoryId });
      const { report } = (await runToEnd(planned.jobId)) ?? {};
      const { decisions } = report as {
        decisions: { snapshotId: string; verdict: string; reasons: string[] }[];
      };
      return decisions.find(({ snapshotId }) => snapshotId === old);
    };
    const pinned = await runToEnd(
      (await pinSnapshot(operator, { requestId: unique("request"), snapshotId: old, reason: " the exam " }))
        .jobId,
    );
    expect(pinned).toMatchObject({ state: "succeeded", report: { snapshotId: old, reason: "the exam" } });
    expect(repository.pins().get(old)?.reason).toBe("the exam");
    expect((await findSnapshot(old))?.pinReason).toBe("the exam");
    expect((await findSnapshot(newest))?.pinReason).toBeNull();
    const kept = await verdictOnOld();
    expect(kept?.verdict).toBe("keep");
    expect(kept?.reasons.join()).toContain("the exam");

    const unpin = { requestId: unique("request"), snapshotId: old };
    expect(await runToEnd((await unpinSnapshot(operator, unpin)).jobId)).toMatchObject({
      state: "succeeded",
    });
    expect(repository.pins().size).toBe(0);
    expect((await findSnapshot(old))?.pinReason).toBeNull();
    expect((await verdictOnOld())?.verdict).toBe("drop");
    const facts = await database().auditEvent.findMany({ where: { subject: old }, orderBy: { at: "asc" } });
    expect(facts.map(({ action, facts }) => ({ action, facts }))).toMatchObject([
      { action: "pin", facts: { isPinned: true, reason: "the exam" } },
      { action: "pin", facts: { isPinned: false } },
    ]);
  });

  test("pins made or taken away by the command line are in the rows after the worker's next start", async () => {
    const [first = "", second = ""] = await life(2);
    await repository.pin(first, "by hand");
    await reconcile(repository, folder);
    expect((await findSnapshot(first))?.pinReason).toBe("by hand");
    await repository.unpin(first);
    await repository.pin(second, "instead");
    await reconcile(repository, folder);
    expect((await findSnapshot(first))?.pinReason).toBeNull();
    expect((await findSnapshot(second))?.pinReason).toBe("instead");
  });

  test("what is not there by now is not pinned, and the job says so", async () => {
    const [gone = ""] = await life(2);
    const operator = await makeViewer("operator");
    const { jobId } = await pinSnapshot(operator, {
      requestId: unique("request"),
      snapshotId: gone,
      reason: "too late",
    });
    await repository.prune({ snapshotIds: [gone] });
    expect(await runToEnd(jobId)).toMatchObject({ state: "failed", failure: { code: "snapshot-unknown" } });
    expect((await findSnapshot(gone))?.pinReason).toBeNull();
  });
});

describe("re-segment", () => {
  test("goes on where a budget ended it, changes no byte of a snapshot, and then has nothing left", async () => {
    const [first = ""] = await life(2);
    // Another pack: each open repository writes its own.
    await openAnew();
    await archive(repository.snapshot(first).node, noise(2 * PAGE, 77));
    const before = new Set(await files("packs"));
    const rootOf = () => repository.snapshots().map(({ images }) => images.map((image) => image.contentRoot));
    const roots = rootOf();
    const operator = await makeViewer("operator");
    const reSegment = async (more: object) =>
      runToEnd((await reSegmentRepository(operator, { requestId: unique("request"), ...more })).jobId);

    const young = await reSegment({ olderThanDays: 1 });
    expect(young).toMatchObject({ state: "succeeded", report: { packCount: 0, leftPackCount: 0 } });
    expect(new Set(await files("packs"))).toEqual(before);

    const some = await reSegment({ bytesMax: 1 });
    expect(some).toMatchObject({ state: "succeeded", report: { packCount: 1, isFinished: false } });
    const rest = await reSegment({});
    expect(rest).toMatchObject({ state: "succeeded", report: { leftPackCount: 0, isFinished: true } });
    const [task] = await tasksOfJob(rest?.id ?? "");
    expect(task).toMatchObject({ state: "succeeded", step: "done" });
    expect((await files("packs")).filter((file) => before.has(file))).toEqual([]);
    expect((await reSegment({}))?.report).toMatchObject({ packCount: 0 });
    expect(rootOf()).toEqual(roots);
    expect((await repository.verify()).findings).toEqual([]);
  });

  test("viewers may not; a level zstd has not is refused", async () => {
    const requestId = unique("request");
    const viewer = await makeViewer("viewer");
    await expect(reSegmentRepository(viewer, { requestId })).rejects.toMatchObject({ code: "not-permitted" });
    const operator = await makeViewer("operator");
    await expect(reSegmentRepository(operator, { requestId, level: 20 })).rejects.toMatchObject({
      code: "input-invalid",
    });
  });
});

describe("scrub", () => {
  test("marks the snapshots that rot costs something; prune then counts them for nothing", async () => {
    const ids = await life(2);
    const admin = await makeViewer("admin");
    const clean = await runToEnd(
      (await scrubRepository(admin, { requestId: unique("request"), deep: true })).jobId,
    );
    expect(clean).toMatchObject({ state: "succeeded", report: { findings: [], uncheckedPackCount: 0 } });

    // Rot in a pack that only the newest snapshot needs.
    const before = new Set(await files("packs"));
    const { node } = repository.snapshot(ids[0] ?? "");
    const third = await archive(node, noise(2 * PAGE, 5));
    await openAnew();
    await reconcile(repository, folder);
    const added = (await files("packs")).filter((file) => !before.has(file));
    expect(added.length).toBeGreaterThan(0);
    for (const file of added) await appendFile(file, "rot");

    const found = await runToEnd((await scrubRepository(admin, { requestId: unique("request") })).jobId);
    expect(found).toMatchObject({ state: "failed", failure: { code: "pack-corrupt" } });
    expect((await findSnapshot(third))?.verifyState).toBe("corrupt");
    expect((await findSnapshot(ids[1] ?? ""))?.verifyState).not.toBe("corrupt");

    const repositoryId = repository.info.id;
    await chooseRetention(admin, { repositoryId, keep: { last: 1 }, timeZone: "UTC" });
    const planned = await runToEnd(
      (await planPruneJob(admin, { requestId: unique("request"), repositoryId })).jobId,
    );
    expect(planned?.report).toMatchObject({
      decisions: [
        { snapshotId: ids[0], verdict: "drop" },
        { snapshotId: ids[1], verdict: "keep" },
        { snapshotId: third, verdict: "keep" },
      ],
    });
  });
});
