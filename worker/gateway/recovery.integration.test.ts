// Agents and workers die at the worst moments; tasks end well all the same. Real TLS, real repository, real agents.
import { readFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runAgent } from "#agent/agent.ts";
import { openDevice } from "#agent/device/open-device.ts";
import { makeTestDisk, noise, overwrite, sha256Of } from "#agent/test-disk.ts";
import { TestWorld } from "./test-world.ts";

const MIB = 1024 * 1024;
let world: TestWorld;

beforeEach(async () => {
  world = await TestWorld.create(runAgent);
});

afterEach(async () => {
  await world.close();
});

async function until(claim: () => Promise<boolean> | boolean): Promise<void> {
  const giveUpAt = Date.now() + 30_000;
  while (!(await claim())) {
    if (Date.now() > giveUpAt) throw new Error("what the test waits for did not happen");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

async function bytesOf(path: string, offsetBytes: number, count: number): Promise<Uint8Array> {
  const device = await openDevice(path, "read");
  const bytes = new Uint8Array(count);
  await device.read(offsetBytes, bytes);
  await device.close();
  return bytes;
}

async function firstSnapshot(nodeId: string): Promise<string> {
  expect(await world.store.addTask(nodeId, "archive").end).toMatchObject({
    state: "succeeded",
    failure: null,
  });
  return world.store.snapshots.at(-1)?.id ?? "";
}

test("an agent stopped in mid-restore leaves no beginning of a disk, and completes the restore when it is back", async () => {
  const disk = await makeTestDisk(`${world.folder}/pc.img`, 48 * MIB);
  const before = await sha256Of(disk);
  const agent = world.startAgent("pc", disk);
  const nodeId = await agent.ready;
  const snapshotId = await firstSnapshot(nodeId);
  await overwrite(disk, MIB + 512 * 1024, noise(5, 44 * MIB));
  const start = () => bytesOf(disk, MIB, 4096);
  const { row, end } = world.store.addTask(nodeId, "restore", snapshotId);
  await until(async () => (await start()).every((byte) => byte === 0));
  await agent.stop();
  expect(row.state).toBe("running");
  expect((await start()).every((byte) => byte === 0)).toBe(true);
  world.startAgent("pc", disk);
  expect(await end).toMatchObject({ state: "succeeded", attempt: 2 });
  expect(await sha256Of(disk)).toBe(before);
});

test("an agent stopped in mid-archive continues it without sending again what arrived", async () => {
  const disk = await makeTestDisk(`${world.folder}/pc.img`, 48 * MIB);
  const agent = world.startAgent("pc", disk);
  const nodeId = await agent.ready;
  const { end } = world.store.addTask(nodeId, "archive");
  await until(() => agent.lines.some((line) => line.startsWith("archive ")));
  await new Promise((resolve) => setTimeout(resolve, 250));
  await agent.stop();
  world.startAgent("pc", disk);
  expect(await end).toMatchObject({ state: "succeeded" });
  expect(world.store.snapshots).toHaveLength(1);
});

test("a disk that changed between two leases of an archive is archived as it is in the end", async () => {
  const disk = await makeTestDisk(`${world.folder}/pc.img`, 40 * MIB);
  const agent = world.startAgent("pc", disk);
  const nodeId = await agent.ready;
  const { end } = world.store.addTask(nodeId, "archive");
  await until(() => agent.lines.some((line) => line.startsWith("archive ")));
  await new Promise((resolve) => setTimeout(resolve, 200));
  await agent.stop();
  await overwrite(disk, MIB, noise(6, 36 * MIB));
  const after = await sha256Of(disk);
  world.startAgent("pc", disk);
  expect(await end).toMatchObject({ state: "succeeded" });
  await overwrite(disk, 3 * MIB, noise(7, MIB));
  const snapshotId = world.store.snapshots.at(-1)?.id ?? "";
  expect(await world.store.addTask(nodeId, "restore", snapshotId).end).toMatchObject({ state: "succeeded" });
  expect(await sha256Of(disk)).toBe(after);
});

test("a worker restarted in mid-archive loses the lease but not the task", async () => {
  const disk = await makeTestDisk(`${world.folder}/pc.img`, 40 * MIB);
  const agent = world.startAgent("pc", disk);
  const nodeId = await agent.ready;
  const { row, end } = world.store.addTask(nodeId, "archive");
  await until(() => agent.lines.some((line) => line.startsWith("archive ")));
  await world.restartGateway();
  expect(await end).toMatchObject({ state: "succeeded", failure: null });
  expect(row.attempt).toBeGreaterThanOrEqual(1);
  expect(world.store.snapshots).toHaveLength(1);
});

test("a snapshot committed before a crash is found by its task, which makes no second one", async () => {
  const disk = await makeTestDisk(`${world.folder}/pc.img`);
  const nodeId = await world.startAgent("pc", disk).ready;
  const snapshotId = await firstSnapshot(nodeId);
  const done = world.repository.snapshot(snapshotId);
  const { row, end } = world.store.addTask(nodeId, "archive");
  const again = [...world.store.tasks.values()].find((task) => task.taskId === done.requestId);
  expect(again).toBeDefined();
  await end;
  if (again !== undefined) Object.assign(again, { state: "ready", leaseId: null, report: null });
  row.state = "succeeded";
  await until(() => again?.state === "succeeded");
  expect(again?.report).toMatchObject({ snapshotId });
  expect(world.repository.snapshots()).toHaveLength(2);
});

test("a cancelled restore stops, says so, and a later one completes", async () => {
  const disk = await makeTestDisk(`${world.folder}/pc.img`, 48 * MIB);
  const before = await sha256Of(disk);
  const nodeId = await world.startAgent("pc", disk).ready;
  const snapshotId = await firstSnapshot(nodeId);
  await overwrite(disk, MIB, noise(8, 44 * MIB));
  const { row, end } = world.store.addTask(nodeId, "restore", snapshotId);
  row.cancelAsked = true;
  expect(["cancelled", "succeeded"]).toContain((await end).state);
  expect(await world.store.addTask(nodeId, "restore", snapshotId).end).toMatchObject({ state: "succeeded" });
  expect(await sha256Of(disk)).toBe(before);
});

test("a destroyed partition table is restored first, and the partitions by it", async () => {
  const disk = await makeTestDisk(`${world.folder}/pc.img`);
  const before = await sha256Of(disk);
  const nodeId = await world.startAgent("pc", disk).ready;
  const snapshotId = await firstSnapshot(nodeId);
  await overwrite(disk, 0, noise(9, 2 * MIB));
  await overwrite(disk, 12 * MIB - 40 * 512, noise(10, 40 * 512));
  expect(await world.store.addTask(nodeId, "restore", snapshotId).end).toMatchObject({ state: "succeeded" });
  expect(await sha256Of(disk)).toBe(before);
});

test("a disk partitioned otherwise is refused before the first byte", async () => {
  const disk = await makeTestDisk(`${world.folder}/pc.img`);
  const nodeId = await world.startAgent("pc", disk).ready;
  const snapshotId = await firstSnapshot(nodeId);
  const other = await makeTestDisk(`${world.folder}/other.img`, 12 * MIB, 1, 2 * MIB);
  await overwrite(disk, 0, await readFile(other));
  const before = await sha256Of(disk);
  const row = await world.store.addTask(nodeId, "restore", snapshotId).end;
  expect(row).toMatchObject({ state: "failed", failure: { code: "layout-mismatch" } });
  expect(await sha256Of(disk)).toBe(before);
});
