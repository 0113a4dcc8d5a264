// The wire as a whole: real agents over disk images, real TLS, a real repository. A test's name is the promise it keeps.
import { copyFile, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runAgent } from "#agent/agent.ts";
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

async function snapshotOf(nodeId: string): Promise<string> {
  const row = await world.store.addTask(nodeId, "archive").end;
  expect(row.failure).toBeNull();
  const id = world.store.snapshots.at(-1)?.id;
  expect(id).toBeDefined();
  return id ?? "";
}

test("a PC is archived, damaged, and restored bit by bit", async () => {
  const disk = await makeTestDisk(`${world.folder}/pc.img`);
  const before = await sha256Of(disk);
  const nodeId = await world.startAgent("pc", disk).ready;
  const snapshotId = await snapshotOf(nodeId);
  expect(world.repository.snapshot(snapshotId).images.map((image) => image.partition)).toEqual([
    "disk-layout",
    "p1",
  ]);
  await overwrite(disk, MIB + 1024, noise(99, 1024));
  await overwrite(disk, 5 * MIB + 100, noise(98, 300_000));
  const row = await world.store.addTask(nodeId, "restore", snapshotId).end;
  expect(row).toMatchObject({ state: "succeeded", failure: null });
  expect(await sha256Of(disk)).toBe(before);
  // 1 KiB and 300 KB in whole grains of 4 KiB, and the first grain blanked meanwhile.
  expect(row.report).toMatchObject({ writtenBytes: 4096 + 303_104 + 4096 });
});

test("another PC becomes a copy: one with the same partitions, and one with a blank disk of the same size", async () => {
  const master = await makeTestDisk(`${world.folder}/master.img`);
  const masterId = await world.startAgent("master", master).ready;
  const snapshotId = await snapshotOf(masterId);
  const like = await makeTestDisk(`${world.folder}/like.img`, 12 * MIB, 7);
  const blank = `${world.folder}/blank.img`;
  await writeFile(blank, new Uint8Array(12 * MIB));
  const [from] = world.store.nodes.get(masterId)?.disks ?? [];
  for (const disk of [like, blank]) {
    const nodeId = await world.startAgent(disk.replace(/.*\/|\.img/g, ""), disk).ready;
    const [to] = world.store.nodes.get(nodeId)?.disks ?? [];
    const map = { [from?.serial ?? ""]: to?.serial ?? "" };
    const row = await world.store.addTask(nodeId, "restore", snapshotId, map).end;
    expect(row).toMatchObject({ state: "succeeded", failure: null });
    expect(await sha256Of(disk)).toBe(await sha256Of(master));
  }
});

test("an unchanged disk sends no page the second time", async () => {
  const disk = await makeTestDisk(`${world.folder}/pc.img`);
  const nodeId = await world.startAgent("pc", disk).ready;
  await snapshotOf(nodeId);
  const again = await world.store.addTask(nodeId, "archive").end;
  expect(again.report).toMatchObject({ differingBytes: 0, newBytes: 0 });
});

test("a clone's pages on another PC are sent but stored once", async () => {
  const first = await makeTestDisk(`${world.folder}/pc-1.img`);
  const second = first.replace("pc-1", "pc-2");
  await copyFile(first, second);
  await snapshotOf(await world.startAgent("pc-1", first).ready);
  const row = await world.store.addTask(await world.startAgent("pc-2", second).ready, "archive").end;
  expect(row.report).toMatchObject({ newBytes: 0 });
});
