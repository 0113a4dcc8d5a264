// Chains on real sockets: real agents over disk images, a real gateway and repository, in one process.
import { open, writeFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runAgent } from "#agent/agent.ts";
import { makeTestDisk, noise, overwrite, sha256Of } from "#agent/test-disk.ts";
import type { TaskRow } from "./memory-store.ts";
import { type RunningAgent, TestWorld } from "./test-world.ts";

const MIB = 1024 * 1024;
const DISK_BYTES = 40 * MIB;
/** What is not zeros of a test disk, about. */
const CONTENT_BYTES = 35 * MIB;
let world: TestWorld;

beforeEach(async () => {
  world = await TestWorld.create(runAgent);
});

afterEach(async () => {
  await world.close();
});

interface Pc {
  readonly nodeId: string;
  readonly disk: string;
  readonly serial: string;
  readonly agent: RunningAgent;
}

/** A PC with the disk that a seed makes; null: a blank one. */
async function pc(name: string, seed: number | null): Promise<Pc> {
  const disk = `${world.folder}/${name}.img`;
  if (seed === null) await writeFile(disk, new Uint8Array(DISK_BYTES));
  else await makeTestDisk(disk, DISK_BYTES, seed);
  const agent = world.startAgent(name, disk);
  const nodeId = await agent.ready;
  return { nodeId, disk, agent, serial: world.store.nodes.get(nodeId)?.disks[0]?.serial ?? "" };
}

async function master(): Promise<{ snapshotId: string; serial: string; content: string }> {
  const { nodeId, serial, disk } = await pc("master", 1);
  expect(await world.store.addTask(nodeId, "archive").end).toMatchObject({ failure: null });
  return { snapshotId: world.store.snapshots.at(-1)?.id ?? "", serial, content: await sha256Of(disk) };
}

function clone(
  { snapshotId, serial }: { snapshotId: string; serial: string },
  pcs: readonly Pc[],
  jobId = "job_1",
) {
  return pcs.map((copy) =>
    world.store.addTask(copy.nodeId, "restore", snapshotId, { [serial]: copy.serial }, jobId),
  );
}

function trafficOf(row: TaskRow) {
  const { chain } = row.report as {
    chain?: ReturnType<typeof noTraffic>;
  };
  return chain ?? noTraffic();
}

function noTraffic() {
  return { fromGatewayBytes: 0, fromNeighboursBytes: 0, sentBytes: 0, copiedBytes: 0 };
}

const sumOf = (rows: readonly TaskRow[], key: keyof ReturnType<typeof trafficOf>) =>
  rows.reduce((sum, row) => sum + trafficOf(row)[key], 0);

async function expectCopies(pcs: readonly Pc[], content: string): Promise<void> {
  for (const { disk } of pcs) expect(await sha256Of(disk)).toBe(content);
}

test("four PCs become copies, and the gateway sends each page once", async () => {
  const from = await master();
  const copies = await Promise.all([pc("a", 2), pc("b", 3), pc("c", null), pc("d", 1)]);
  const rows = await Promise.all(clone(from, copies).map(({ end }) => end));
  expect(rows).toMatchObject(rows.map(() => ({ state: "succeeded", failure: null })));
  await expectCopies(copies, from.content);
  // Three lack everything; the fourth has the same content already.
  expect(sumOf(rows, "fromGatewayBytes")).toBeLessThan(1.1 * CONTENT_BYTES);
  expect(sumOf(rows, "fromNeighboursBytes")).toBeGreaterThan(1.8 * CONTENT_BYTES);
  expect(sumOf(rows, "sentBytes")).toBe(sumOf(rows, "fromNeighboursBytes"));
  // What people see: each in its place, the first below the server.
  const places = [...world.store.chainPlaces.values()].sort((left, right) => left.rank - right.rank);
  expect(places.length).toBeGreaterThan(1);
  expect(new Set(places.map(({ rank }) => rank)).size).toBe(places.length);
  expect(places[0]).toMatchObject({ rank: 0, above: "gateway" });
});

test("copies that lack little get that little, once, and keep their first page", async () => {
  const from = await master();
  const copies = await Promise.all([pc("a", 1), pc("b", 1), pc("c", 1)]);
  for (const { disk } of copies) await overwrite(disk, 9 * MIB, noise(77, MIB));
  const rows = await Promise.all(clone(from, copies).map(({ end }) => end));
  expect(rows).toMatchObject(rows.map(() => ({ state: "succeeded", failure: null })));
  await expectCopies(copies, from.content);
  expect(sumOf(rows, "fromGatewayBytes")).toBeLessThan(1.1 * MIB);
  // Four pages each: the first one was right, and is put back as it was.
  expect(rows).toMatchObject(rows.map(() => ({ report: { differingBytes: MIB } })));
});

test("a second clone of the same snapshot sends no page", async () => {
  const from = await master();
  const copies = await Promise.all([pc("a", 2), pc("b", 3)]);
  await Promise.all(clone(from, copies).map(({ end }) => end));
  const rows = await Promise.all(clone(from, copies, "job_2").map(({ end }) => end));
  expect(rows).toMatchObject(rows.map(() => ({ state: "succeeded", failure: null })));
  expect(rows.map(trafficOf)).toEqual(rows.map(noTraffic));
});

test("what lies elsewhere on the disk, or twice on it, is not sent", async () => {
  const from = await master();
  const copies = await Promise.all([pc("a", 1), pc("b", 1)]);
  // Eight MiB lie eight MiB before where they shall lie; what shall be there lies nowhere.
  for (const { disk } of copies) {
    const file = await open(disk, "r+");
    const moved = Buffer.alloc(8 * MIB);
    await file.read(moved, 0, moved.length, 16 * MIB);
    await file.write(moved, 0, moved.length, 8 * MIB);
    await file.write(noise(5, moved.length), 0, moved.length, 16 * MIB);
    await file.close();
  }
  const rows = await Promise.all(clone(from, copies).map(({ end }) => end));
  expect(rows).toMatchObject(rows.map(() => ({ state: "succeeded", failure: null })));
  await expectCopies(copies, from.content);
  // Whoever finds a page first passes it on; on so small a disk most have come from the gateway before they are found.
  expect(sumOf(rows, "copiedBytes")).toBeGreaterThan(0);
  expect(sumOf(rows, "fromGatewayBytes")).toBeLessThan(16 * MIB);
});

test("a PC that is partitioned otherwise is refused, and becomes a copy when its table may be replaced", async () => {
  const from = await master();
  const copies = await Promise.all([pc("a", 2), pc("b", 3)]);
  const [other] = copies;
  await other?.agent.stop();
  await makeTestDisk(other?.disk ?? "", DISK_BYTES, 7, 4 * MIB);
  world.startAgent("a", other?.disk ?? "");
  const ended = await Promise.all(clone(from, copies).map(({ end }) => end));
  expect(ended).toMatchObject([{ failure: { code: "layout-mismatch" } }, { state: "succeeded" }]);
  const again = clone(from, copies, "job_2");
  for (const { row } of again) row.replacesLayout = true;
  const rows = await Promise.all(again.map(({ end }) => end));
  expect(rows).toMatchObject(rows.map(() => ({ state: "succeeded", failure: null })));
  await expectCopies(copies, from.content);
});

test("a limit of the bandwidth holds for a chain, and without it nothing waits", async () => {
  const from = await master();
  const copies = await Promise.all([pc("a", 2), pc("b", 3)]);
  const [rule] = [{ days: [0, 1, 2, 3, 4, 5, 6], fromMinute: 0, toMinute: 0, mbit: 60 }];
  world.store.bandwidth = { rules: [rule], timeZone: "UTC" };
  // How soon a rule holds.
  await wait(2_500);
  const began = performance.now();
  const rows = await Promise.all(clone(from, copies).map(({ end }) => end));
  expect(rows).toMatchObject(rows.map(() => ({ state: "succeeded", failure: null })));
  await expectCopies(copies, from.content);
  const sentBytes = sumOf(rows, "fromGatewayBytes");
  const leastMs = (1000 * 8 * sentBytes) / 60e6;
  expect(performance.now() - began).toBeGreaterThan(0.9 * leastMs);
});

test("the gateway restarts in the middle: the stream goes on, and the tasks end well under the same leases", async () => {
  const from = await master();
  const copies = await Promise.all([pc("a", 2), pc("b", 3), pc("c", 4)]);
  const tasks = clone(from, copies);
  await expect.poll(() => tasks.every(({ row }) => row.state === "running"), { timeout: 10_000 }).toBe(true);
  await wait(400);
  await world.restartGateway();
  const rows = await Promise.all(tasks.map(({ end }) => end));
  expect(rows).toMatchObject(rows.map(() => ({ state: "succeeded", failure: null, attempt: 1 })));
  await expectCopies(copies, from.content);
});

test("an agent that goes away in the middle harms nobody, and finishes when it is back", async () => {
  const from = await master();
  const copies = await Promise.all([pc("a", 2), pc("b", 3), pc("c", 4), pc("d", 5)]);
  const tasks = clone(from, copies);
  await expect.poll(() => tasks.every(({ row }) => row.state === "running"), { timeout: 10_000 }).toBe(true);
  await wait(500);
  const [gone, ...others] = copies;
  await gone?.agent.stop();
  const ended = await Promise.all(tasks.slice(1).map(({ end }) => end));
  expect(ended).toMatchObject(ended.map(() => ({ state: "succeeded", failure: null, attempt: 1 })));
  await expectCopies(others, from.content);
  world.startAgent("a", gone?.disk ?? "");
  expect(await tasks[0]?.end).toMatchObject({ state: "succeeded", failure: null });
  await expectCopies(copies, from.content);
});

test("cancelled means cancelled on every PC", async () => {
  const from = await master();
  const copies = await Promise.all([pc("a", 2), pc("b", 3), pc("away", 4)]);
  // The order waits a moment for the third: time enough to be told.
  await copies[2]?.agent.stop();
  const tasks = clone(from, copies).slice(0, 2);
  await expect.poll(() => tasks.every(({ row }) => row.state === "running"), { timeout: 10_000 }).toBe(true);
  for (const { row } of tasks) row.cancelAsked = true;
  const rows = await Promise.all(tasks.map(({ end }) => end));
  expect(rows.map(({ state }) => state)).toEqual(["cancelled", "cancelled"]);
});
