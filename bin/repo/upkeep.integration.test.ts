// prune, pin, unpin and gc as a person or a script runs them: results, refusals, and what is left on disk.
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ImageEntry } from "./image-entry.ts";
import { runCli, runJson } from "./run-cli.ts";
import { MIB, makeImage, noise, overwrite } from "./test-images.ts";

let folder = "";
let repository = "";
let image = "";
let entries: ImageEntry[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sheepfold-upkeep-"));
  repository = join(folder, "repository");
  image = join(folder, "sda1.img");
  await makeImage(image, 8 * MIB);
  expect((await runJson("init", repository, "--reserve", "64k")).exitCode).toBe(0);
  entries = [];
  for (const seed of [11, 12, 13]) {
    await overwrite(image, 0, noise(4 * MIB, seed));
    const made = await runJson("archive", repository, image, "--node", "pc01", "--partition", "sda1");
    entries.push(made.value as ImageEntry);
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function packCount(): Promise<number> {
  const files = await readdir(join(repository, "packs"), { recursive: true });
  return files.filter((name) => name.endsWith(".pack")).length;
}

interface Decision {
  readonly snapshotId: string;
  readonly verdict: string;
  readonly reasons: readonly string[];
}

function verdictsOf(value: unknown): string[] {
  return (value as { decisions: Decision[] }).decisions.map(({ verdict }) => verdict);
}

test("init makes the reserve it was told to", async () => {
  expect((await stat(join(repository, "reserve"))).size).toBe(64 * 1024);
});

test("prune without a rule is refused, and so is a time zone nobody knows", async () => {
  expect((await runJson("prune", repository)).error).toMatchObject({ code: "input-invalid" });
  const zone = await runJson("prune", repository, "--keep-last", "1", "--time-zone", "Mars");
  expect(zone).toMatchObject({ exitCode: 2, error: { code: "input-invalid" } });
  expect((await runJson("list", repository)).value).toHaveLength(3);
});

test("prune --dry-run says what would stay and why, and changes nothing", async () => {
  const { exitCode, value } = await runJson("prune", repository, "--keep-last", "1", "--dry-run");
  expect(exitCode).toBe(0);
  expect(verdictsOf(value)).toEqual(["drop", "drop", "keep"]);
  expect((value as { decisions: Decision[] }).decisions[2]?.reasons).toEqual(["the newest"]);
  expect((await runJson("list", repository)).value).toHaveLength(3);
});

test("pin, prune, gc, unpin: the pinned one stays, the rest is freed, what is left restores", async () => {
  const [first, second, third] = entries.map(({ id }) => id);
  const pinned = await runJson("pin", repository, first ?? "", "--reason", "master for the exam");
  expect(pinned.value).toMatchObject({ snapshotId: first, reason: "master for the exam" });
  const pruned = await runJson("prune", repository, "--keep-last", "1");
  expect(verdictsOf(pruned.value)).toEqual(["keep", "drop", "keep"]);
  expect((await runJson("show", repository, second ?? "")).exitCode).toBe(5);

  expect(await packCount()).toBe(3);
  const plan = await runJson("gc", repository, "--dry-run");
  expect(plan.value).toMatchObject({ snapshotCount: 2, inUsePackCount: 0 });
  expect((plan.value as { deadPackBytes: number }).deadPackBytes).toBeGreaterThan(3 * MIB);
  expect(await packCount()).toBe(3);
  const freed = await runJson("gc", repository);
  expect(freed.value).toMatchObject({ isFinished: true });
  expect(await packCount()).toBe(2);

  expect((await runJson("verify", repository)).value).toMatchObject({ findings: [], snapshotCount: 2 });
  const target = join(folder, "restored.img");
  expect((await runJson("restore", repository, third ?? "", target)).exitCode).toBe(0);

  expect((await runJson("unpin", repository, first ?? "")).value).toEqual({
    snapshotId: first,
    wasPinned: true,
  });
  expect((await runJson("unpin", repository, first ?? "")).value).toEqual({
    snapshotId: first,
    wasPinned: false,
  });
  expect(verdictsOf((await runJson("prune", repository, "--keep-last", "1")).value)).toEqual([
    "drop",
    "keep",
  ]);
});

test("re-segment makes packs smaller, once, and says so", async () => {
  expect((await runJson("re-segment", repository, "--level", "22")).error).toMatchObject({
    code: "input-invalid",
  });
  const cold = await runJson("re-segment", repository, "--older-than", "1");
  expect(cold).toMatchObject({ exitCode: 0, value: { isFinished: true } });
  const done = await runJson("re-segment", repository, "--max-seconds", "600", "--max-bytes", "1G");
  const sizes = done.value as { packCount: number; bytesBefore: number; bytesAfter: number };
  expect(sizes.packCount).toBeGreaterThan(0);
  expect(sizes.bytesAfter).toBeLessThan(sizes.bytesBefore);
  const again = await runCli(["repo", "re-segment", repository]);
  expect(again.stdout).toContain("Nothing to re-segment.");
  expect((await runJson("verify", repository)).value).toMatchObject({ findings: [] });
});

test("scrub goes round in budgets, names rot and whom it costs, and ends with the code for damage", async () => {
  const first = await runJson("scrub", repository, "--max-seconds", "0");
  expect(first).toMatchObject({ exitCode: 0, value: { checkedPackCount: 1, findings: [] } });
  const whole = await runJson("scrub", repository, "--deep");
  expect(whole).toMatchObject({ exitCode: 0, value: { uncheckedPackCount: 0, findings: [] } });
  // One is needed by the snapshot that is left, the other by none.
  const names = (await readdir(join(repository, "packs"), { recursive: true })).filter((each) =>
    each.endsWith(".pack"),
  );
  for (const name of names) await flipBit(join(repository, "packs", name));
  const found = await runCli([
    "repo",
    "scrub",
    repository,
    "--max-seconds",
    "60",
    "--bytes-per-second",
    "1G",
  ]);
  expect(found.exitCode).toBe(3);
  for (const name of names) expect(found.stdout).toContain(`packs/${name} is damaged`);
  expect(found.stdout).toMatch(/snap_\w+:sda1 +\d+ pages: \d+/);
  expect(found.stdout).toContain("No snapshot needs it.");
  for (const name of names) await flipBit(join(repository, "packs", name));
  expect((await runJson("scrub", repository)).exitCode).toBe(0);
});

async function flipBit(path: string): Promise<void> {
  const bytes = await readFile(path);
  bytes[1000] = (bytes[1000] ?? 0) ^ 4;
  await chmod(path, 0o640);
  await writeFile(path, bytes);
}

test("in words: what prune and gc say to a person", async () => {
  const pruned = await runCli(["repo", "prune", repository, "--keep-daily", "3", "--dry-run"]);
  expect(pruned.stdout).toMatch(
    /keep +snap_\w+ +pc01 +the newest of day .*; the oldest, until there are 2 more daily ones/,
  );
  expect(pruned.stdout).toContain("0 of 1 snapshots would be removed.");
  const freed = await runCli(["repo", "gc", repository, "--max-bytes", "1"]);
  expect(freed.stdout).toMatch(/freed in 1 packs.*There is more: run it again\./);
  const rest = await runCli(["repo", "gc", repository]);
  expect(rest.stdout).toMatch(/freed in 1 packs/);
  expect(rest.stdout).not.toContain("There is more");
});

test("heal: nothing to do, then a pack that was removed by hand comes back from a new snapshot of the PC", async () => {
  const dir = join(folder, "hurt");
  await runJson("init", dir);
  const made = await runJson("archive", dir, image, "--node", "pc01", "--partition", "sda1");
  const { id } = made.value as ImageEntry;
  expect((await runCli(["repo", "heal", dir])).stdout).toContain("Nothing to heal");
  const files = await readdir(join(dir, "packs"), { recursive: true });
  for (const name of files.filter((file) => file.endsWith(".pack"))) await rm(join(dir, "packs", name));
  const lost = await runJson("heal", dir, "--dry-run");
  expect(lost).toMatchObject({ exitCode: 3, value: { isPlan: true, regainedBlockCount: 0 } });
  const target = join(folder, "hurt.img");
  expect((await runJson("restore", dir, id, target)).error).toMatchObject({ code: "pack-missing" });
  await rm(target, { force: true });
  expect((await runJson("archive", dir, image, "--node", "pc01", "--partition", "sda1")).exitCode).toBe(0);
  expect((await runJson("heal", dir)).value).toMatchObject({ isPlan: false, lostBlockCount: 0 });
  expect((await runJson("restore", dir, id, target)).exitCode).toBe(0);
  expect(Buffer.compare(await readFile(target), await readFile(image))).toBe(0);
  expect((await runJson("verify", dir)).exitCode).toBe(0);
});
