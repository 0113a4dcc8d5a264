// kill -9 of the agent, a process of its own, at random moments in the middle of restores and archives: every task completes
// after a restart, every byte is right, and until then a half restored disk has no beginning.
import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { TestWorld } from "../worker/gateway/test-world.ts";
import { runAgent } from "./agent.ts";
import { makeTestDisk, noise, overwrite, sha256Of } from "./test-disk.ts";

const MIB = 1024 * 1024;
const KILLS = 10;
const DISK_BYTES = 40 * MIB;
let world: TestWorld;
let child: ChildProcess | null = null;

beforeEach(async () => {
  world = await TestWorld.create(runAgent);
  await writeFile(`${world.folder}/key`, world.store.enrolmentKey);
});

afterEach(async () => {
  await kill();
  await world.close();
});

/** Resolves with the node's id. */
async function startAgent(disk: string): Promise<string> {
  const { fingerprint } = world.certificate;
  const program = fileURLToPath(new URL("./main.ts", import.meta.url));
  const started = spawn(
    process.execPath,
    [
      ...[program, "--server", `https://127.0.0.1:${world.gateway.port}`, "--fingerprint", fingerprint],
      ...["--state", `${world.folder}/pc`, "--name", "pc", "--disk", disk],
      ...["--enrolment-key-file", `${world.folder}/key`],
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  child = started;
  // Read to the end, not until the line: a closed pipe would be a second fault beside the one this test is about.
  const { promise: ready, resolve, reject } = Promise.withResolvers<string>();
  let text = "";
  started.stdout.on("data", (chunk: Buffer) => {
    text += String(chunk);
    const nodeId = /agent ready \S+ (\S+)/.exec(text)?.[1];
    if (nodeId !== undefined) resolve(nodeId);
  });
  started.once("exit", () => reject(new Error(`the agent ended: ${text}`)));
  return await ready;
}

async function kill(): Promise<void> {
  const running = child;
  child = null;
  if (running === null || running.exitCode !== null) return;
  const ended = once(running, "exit");
  running.kill("SIGKILL");
  await ended;
}

test("an agent killed at random moments completes its restore when it is back, ten times", async () => {
  const disk = await makeTestDisk(`${world.folder}/pc.img`, DISK_BYTES);
  const before = await sha256Of(disk);
  const nodeId = await startAgent(disk);
  await world.store.addTask(nodeId, "archive").end;
  const snapshotId = world.store.snapshots.at(-1)?.id ?? "";
  let killedWhileRunning = 0;
  for (let round = 0; round < KILLS; round++) {
    await overwrite(disk, MIB + randomInt(MIB), noise(100 + round, DISK_BYTES - 6 * MIB));
    const { row, end } = world.store.addTask(nodeId, "restore", snapshotId);
    await expect.poll(() => row.state, { timeout: 20_000, interval: 5 }).not.toBe("ready");
    await wait(randomInt(600));
    await kill();
    if (row.state === "running") killedWhileRunning += 1;
    await startAgent(disk);
    expect(await end).toMatchObject({ state: "succeeded", failure: null });
    expect(await sha256Of(disk)).toBe(before);
  }
  expect(killedWhileRunning).toBeGreaterThan(0);
}, 170_000);

test("an agent killed at random moments completes its archive when it is back, ten times", async () => {
  const disk = await makeTestDisk(`${world.folder}/pc.img`, DISK_BYTES);
  const nodeId = await startAgent(disk);
  for (let round = 0; round < KILLS; round++) {
    await overwrite(disk, MIB, noise(200 + round, DISK_BYTES - 6 * MIB));
    const { row, end } = world.store.addTask(nodeId, "archive");
    await expect.poll(() => row.state, { timeout: 20_000, interval: 5 }).not.toBe("ready");
    await wait(randomInt(500));
    await kill();
    await startAgent(disk);
    expect(await end).toMatchObject({ state: "succeeded" });
    expect(world.store.snapshots).toHaveLength(round + 1);
  }
  expect((await world.repository.verify()).findings).toEqual([]);
}, 170_000);
