// Localization on real sockets: real agents over disk images with tokens in them, a real gateway and repository, in one process.
import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { runAgent } from "#agent/agent.ts";
import { openFileDevice } from "#agent/device/file-device.ts";
import { writeGpt } from "#agent/device/write-gpt.ts";
import { noise, overwrite } from "#agent/test-disk.ts";
import { seal } from "#lib/auth/sealed.ts";
import { forgetEnvironment } from "#lib/env.ts";
import { digestOf } from "#lib/localize/content.ts";
import type { LocalizationContent, TokenScan } from "#lib/model/localization.ts";
import { PAGE_BYTES } from "#lib/page/page.ts";
import { scanSnapshot } from "../localize/scan-snapshot.ts";
import { type RunningAgent, TestWorld } from "./test-world.ts";

const MIB = 1024 * 1024;
const SYSTEM = { offsetBytes: MIB, sizeBytes: 8 * MIB };
const IDENTITY = { offsetBytes: 10 * MIB, sizeBytes: 4 * MIB };
const DISK_BYTES = 16 * MIB;
const HOST = "@@host_name__________@@";
let world: TestWorld;

beforeAll(() => {
  process.env.BETTER_AUTH_SECRET = "of the tests of localization, long enough";
  forgetEnvironment();
});

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

async function pc(name: string): Promise<Pc> {
  const disk = `${world.folder}/${name}.img`;
  await writeFile(disk, new Uint8Array(DISK_BYTES));
  const device = await openFileDevice(disk, "write");
  const guid = (digit: number) => `0000000${digit}-0000-4000-8000-00000000000${digit}`;
  await writeGpt(device, guid(1), [
    { label: "system", ...SYSTEM, guid: guid(2) },
    { label: "CIDATA", ...IDENTITY, guid: guid(3) },
  ]);
  await device.close();
  const agent = world.startAgent(name, disk);
  const nodeId = await agent.ready;
  return { nodeId, disk, agent, serial: world.store.nodes.get(nodeId)?.disks[0]?.serial ?? "" };
}

/** Tokens in the middle of a page, across a page's border, in UTF-16, and at the very end of the partition. */
async function master(): Promise<{ snapshotId: string; serial: string; scan: TokenScan; bytes: Buffer }> {
  const { nodeId, disk, serial } = await pc("master");
  const put = (offset: number, bytes: Buffer) => overwrite(disk, SYSTEM.offsetBytes + offset, bytes);
  await put(0, noise(1, 6 * MIB));
  await put(5000, Buffer.from(`HOST=${HOST}\n`));
  await put(3 * PAGE_BYTES - 9, Buffer.from(HOST));
  await put(10 * PAGE_BYTES - 11, Buffer.from("@@licence___________@@", "utf16le"));
  await put(SYSTEM.sizeBytes - HOST.length, Buffer.from(HOST));
  expect(await world.store.addTask(nodeId, "archive").end).toMatchObject({ failure: null });
  const snapshotId = world.store.snapshots.at(-1)?.id ?? "";
  const scan = await scanSnapshot(world.repository, snapshotId);
  return { snapshotId, serial, scan, bytes: await readFile(disk) };
}

const contentOf = (host: string): LocalizationContent => ({
  values: { host_name: host, ip_address: "10.1.0.17/24" },
  sealed: { licence: seal("licence", `L-${host}`) },
  files: [{ path: "licence.txt", template: "{{licence}}\n" }],
  identityImage: "p2",
  tokens: [
    { name: "host_name", padding: "space" },
    { name: "licence", padding: "nul" },
  ],
  recipes: [],
});

function localize(
  { snapshotId, serial, scan }: Awaited<ReturnType<typeof master>>,
  { nodeId, serial: mine }: Pc,
  content: LocalizationContent,
) {
  const id = `loc_${world.store.localizations.size}`;
  const release = { releaseId: "rel_1", masterName: "Lab", number: 1, spec: null, scannedAt: null };
  world.store.localizations.set(id, {
    localization: { content, digest: digestOf(content) },
    master: { ...release, scan },
  });
  return world.store.addTask(nodeId, "localize", snapshotId, { [serial]: mine }, null, id);
}

/** What the system partition should hold, by replacing tokens in the master's bytes as text. */
function expectedSystem(bytes: Buffer, host: string): Buffer {
  const system = Buffer.from(bytes.subarray(SYSTEM.offsetBytes, SYSTEM.offsetBytes + SYSTEM.sizeBytes));
  const replace = (token: Buffer, by: Buffer) => {
    for (let at = system.indexOf(token); at !== -1; at = system.indexOf(token)) by.copy(system, at);
  };
  replace(Buffer.from(HOST), Buffer.from(host.padEnd(HOST.length)));
  const licence = Buffer.from("@@licence___________@@", "utf16le");
  replace(licence, Buffer.from(`L-${host}`.padEnd(22, "\0"), "utf16le"));
  return system;
}

test("each PC becomes the master with its own tokens and its own identity volume, verified", async () => {
  const from = await master();
  expect(from.scan.map(({ tokens }) => tokens.length)).toEqual([4, 0]);
  const pcs = await Promise.all([pc("lab-a-01"), pc("lab-a-02")]);
  const hosts = ["lab-a-01", "lab-a-02"] as const;
  const tasks = pcs.map((one, index) => localize(from, one, contentOf(hosts[index] ?? "")));
  const rows = await Promise.all(tasks.map(({ end }) => end));
  expect(rows).toMatchObject(
    rows.map(() => ({ state: "succeeded", failure: null, report: { kind: "localize" } })),
  );
  for (const [index, { disk }] of pcs.entries()) {
    const host = hosts[index] ?? "";
    const bytes = await readFile(disk);
    const system = bytes.subarray(SYSTEM.offsetBytes, SYSTEM.offsetBytes + SYSTEM.sizeBytes);
    expect(system.equals(expectedSystem(from.bytes, host))).toBe(true);
    const volume = `${world.folder}/${host}.fat`;
    await writeFile(volume, bytes.subarray(IDENTITY.offsetBytes, IDENTITY.offsetBytes + IDENTITY.sizeBytes));
    execFileSync("/usr/sbin/fsck.fat", ["-n", volume]);
    const read = (path: string) => execFileSync("/usr/bin/mtype", ["-i", volume, `::${path}`]).toString();
    expect(JSON.parse(read("meta-data"))).toMatchObject({ "local-hostname": host });
    expect(read("files/licence.txt")).toBe(`L-${host}\n`);
    expect(read("identity.env")).not.toContain("L-");
  }
  // The master itself is as it was: what is one PC's own is stored nowhere.
  expect(world.repository.snapshots()).toHaveLength(1);
});

test("the baseline of a copy takes over what it has of the master: few pages travel, none is stored twice", async () => {
  const from = await master();
  const one = await pc("lab-a-01");
  expect(await localize(from, one, contentOf("lab-a-01")).end).toMatchObject({ failure: null });
  expect(await world.store.addTask(one.nodeId, "archive").end).toMatchObject({ failure: null });
  const baseline = world.store.snapshots.at(-1);
  const system = baseline?.images.find(({ partition }) => partition === "p1");
  // Six pages hold tokens; all others are the master's.
  expect(system?.unchangedBytes).toBe(SYSTEM.sizeBytes - 6 * PAGE_BYTES - (system?.fillBytes ?? 0));
  expect(system?.newBytes).toBeLessThan(64 * 1024);
  expect(baseline?.parentId).toBeNull();
  const report = await world.repository.verify();
  expect(report.findings).toEqual([]);
});

test("localizing again with one value changed writes only what that value touches", async () => {
  const from = await master();
  const one = await pc("lab-a-01");
  expect(await localize(from, one, contentOf("lab-a-01")).end).toMatchObject({ failure: null });
  const again = await localize(from, one, contentOf("lab-a-09")).end;
  expect(again).toMatchObject({ state: "succeeded", failure: null });
  const written = (again.report as { writtenBytes: number }).writtenBytes;
  expect(written).toBeGreaterThan(0);
  expect(written).toBeLessThan(128 * 1024);
  const same = await localize(from, one, contentOf("lab-a-09")).end;
  expect(same).toMatchObject({ report: { writtenBytes: 0 } });
});

test("a worker that restarts in the middle goes on under the same lease", async () => {
  const from = await master();
  const one = await pc("lab-a-01");
  const task = localize(from, one, contentOf("lab-a-01"));
  await expect.poll(() => task.row.state, { timeout: 60_000 }).toBe("running");
  await world.restartGateway();
  expect(await task.end).toMatchObject({ state: "succeeded", failure: null, attempt: 1 });
});

const REFUSALS: readonly [
  string,
  (from: Awaited<ReturnType<typeof master>>) => { content?: Partial<LocalizationContent>; scan?: TokenScan },
  string,
][] = [
  [
    "when a value is too long for its token",
    () => ({ content: { values: { host_name: "x".repeat(24) } } }),
    "localization-refused",
  ],
  [
    "when what lies around a token is not what was looked through",
    ({ scan }) => ({
      scan: scan.map((image) => ({
        ...image,
        tokens: image.tokens.map((token) => ({ ...token, surroundings: token.surroundings.map(() => "00") })),
      })),
    }),
    "localization-refused",
  ],
  [
    "when a secret was sealed by another server",
    () => ({ content: { sealed: { licence: "v1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" } } }),
    "secret-unreadable",
  ],
  ["when a value is missing", () => ({ content: { sealed: {} } }), "variable-missing"],
];
for (const [when, change, code] of REFUSALS) {
  test(`nothing is written ${when}`, async () => {
    const from = await master();
    const one = await pc("lab-a-01");
    const before = await readFile(one.disk);
    const { content, scan = from.scan } = change(from);
    const row = await localize({ ...from, scan }, one, { ...contentOf("lab-a-01"), ...content }).end;
    expect(row).toMatchObject({ state: "failed", failure: { code } });
    expect((await readFile(one.disk)).equals(before)).toBe(true);
  });
}

test("a master that is none any more refuses the task", async () => {
  const from = await master();
  const one = await pc("lab-a-01");
  const task = localize(from, one, contentOf("lab-a-01"));
  world.store.localizations.clear();
  expect(await task.end).toMatchObject({ state: "failed", failure: { code: "release-unknown" } });
});
