// Chains on real sockets: real agents over disk images, a real gateway and repository, in one process.
import { writeFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runAgent } from "#agent/agent.ts";
import { makeTestDisk, sha256Of } from "#agent/test-disk.ts";
import { TestWorld } from "./test-world.ts";

const MIB = 1024 * 1024;
const DISK_BYTES = 40 * MIB;
let world: TestWorld;

beforeEach(async () => {
  world = await TestWorld.create(runAgent);
});

afterEach(async () => {
  await world.close();
});

async function pc(name: string, seed: number | null): Promise<{ nodeId: string; disk: string; serial: string }> {
  const disk = `${world.folder}/${name}.img`;
  if (seed === null) await writeFile(disk, new Uint8Array(DISK_BYTES));
  else await makeTestDisk(disk, DISK_BYTES, seed);
  const nodeId = await world.startAgent(name, disk).ready;
  return { nodeId, disk, serial: world.store.nodes.get(nodeId)?.disks[0]?.serial ?? "" };
}

async function snapshotOf(nodeId: string): Promise<string> {
  expect(await world.store.addTask(nodeId, "archive").end).toMatchObject({ failure: null });
  return world.store.snapshots.at(-1)?.id ?? "";
}

test("four PCs become copies, and the gateway sends each page once", async () => {
  const master = await pc("master", 1);
  const snapshotId = await snapshotOf(master.nodeId);
  const copies = await Promise.all([pc("a", 2), pc("b", 3), pc("c", null), pc("d", 1)]);
  const tasks = copies.map(({ nodeId, serial }) =>
    world.store.addTask(nodeId, "restore", snapshotId, { [master.serial]: serial }, "job_1"),
  );
  const ended = await Promise.all(tasks.map(({ end }) => end));
  expect(ended).toMatchObject(ended.map(() => ({ state: "succeeded", failure: null })));
  const wanted = await sha256Of(master.disk);
  for (const { disk } of copies) expect(await sha256Of(disk)).toBe(wanted);
});
