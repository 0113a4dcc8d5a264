import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { inspectDisk } from "./device/disk.ts";
import { changeSimulatedDisk, createSimulatedDisk, damageSimulatedDisk } from "./simulated-pc.ts";
import { sha256Of } from "./test-disk.ts";

const MIB = 1024 * 1024;
const options = {
  sizeBytes: 40 * MIB,
  contents: ["/usr/lib/os-release.d", "/etc/default", "/usr/share/doc/bash"],
};
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sheepfold-simulated-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** e2fsprogs lie in /usr/sbin, which is not on everybody's PATH. */
function run(command: string, ...args: string[]): string {
  const env = { ...process.env, PATH: `${process.env.PATH ?? ""}:/usr/sbin:/sbin` };
  return execFileSync(command, args, { env, stdio: "pipe" }).toString();
}

function debugfs(file: string, command: string): string {
  return run("debugfs", "-R", command, `${file}?offset=${MIB}`);
}

function fsckFinds(file: string): boolean {
  try {
    run("e2fsck", "-f", "-n", `${file}?offset=${MIB}`);
    return false;
  } catch {
    return true;
  }
}

test("a simulated disk has a GPT and a sound ext4, a clone of it another host name, and a change is seen", async () => {
  const first = join(folder, "pc-1.img");
  const second = join(folder, "pc-2.img");
  await createSimulatedDisk({ ...options, file: first, seed: 1 });
  await createSimulatedDisk({ ...options, file: second, seed: 2, hostName: "pc-two", like: first });
  expect((await inspectDisk(second)).info.partitions.map((one) => [one.name, one.label])).toEqual([
    ["disk-layout", ""],
    ["p1", "system"],
  ]);
  expect(debugfs(first, "cat /etc/hostname").trim()).toBe("pc-1");
  expect(debugfs(second, "cat /etc/hostname").trim()).toBe("pc-two");
  expect(fsckFinds(second)).toBe(false);
  const before = await sha256Of(second);
  await changeSimulatedDisk(second, 7);
  expect(await sha256Of(second)).not.toBe(before);
  expect(debugfs(second, "ls /home/student")).toContain("essay-7.txt");
  expect(fsckFinds(second)).toBe(false);
});

test("damage breaks the file system but not the partition table", async () => {
  const file = join(folder, "broken.img");
  await createSimulatedDisk({ ...options, file, seed: 3 });
  await damageSimulatedDisk(file, 5);
  expect(fsckFinds(file)).toBe(true);
  expect((await inspectDisk(file)).table.kind).toBe("gpt");
});
