// The real program on real files: results, purity of --json, every refusal a user without root can meet, exit codes.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdtemp, readdir, readFile, rm, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createRepository, openFileSource, openLocalDisk, openRepository } from "#lib/engine/repository.ts";
import type { ImageEntry } from "./image-entry.ts";
import { runCli, runJson } from "./run-cli.ts";
import { MIB, makeImage, noise, overwrite } from "./test-images.ts";

const run = promisify(execFile);
const IMAGE_BYTES = 8 * MIB + 4096;

let folder = "";
let repository = "";
let image = "";
let first: ImageEntry;
let second: ImageEntry;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sheepfold-cli-"));
  repository = join(folder, "repository");
  image = join(folder, "sda1.img");
  await makeImage(image, IMAGE_BYTES);
  expect((await runJson("init", repository)).exitCode).toBe(0);
  first = await archive(image, "pc01");
  await overwrite(image, 3 * MIB, noise(MIB / 4, 77));
  second = await archive(image, "pc01");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("archive --json prints exactly the promised object", () => {
  const keys = "contentRoot createdAt id newBytes node partition seconds sizeBytes storedBytes technique";
  expect(Object.keys(first).sort().join(" ")).toBe(keys);
  expect(first).toMatchObject({
    node: "pc01",
    partition: "sda1",
    sizeBytes: IMAGE_BYTES,
    technique: "repository",
  });
  expect(first.newBytes).toBeGreaterThan(MIB);
  expect(second.newBytes).toBeLessThanOrEqual(MIB / 2);
});

test("archive --changed-ranges reads little, and says when the list was wrong", async () => {
  const dir = join(folder, "hinted");
  const source = join(folder, "hinted.img");
  const list = join(folder, "changed.txt");
  await runJson("init", dir);
  await makeImage(source, IMAGE_BYTES);
  const names = ["--node", "pc01", "--partition", "sda1"];
  await writeFile(list, `${MIB} ${MIB}\n`);
  const tooEarly = await runCli([
    "repo",
    "archive",
    dir,
    source,
    ...names,
    "--changed-ranges",
    list,
    "--json",
  ]);
  expect(tooEarly.exitCode).not.toBe(0);
  expect(JSON.parse(tooEarly.stderr).message).toContain("no earlier image");
  const start = await runJson("archive", dir, source, ...names);
  const since = (start.value as ImageEntry).id;

  await overwrite(source, MIB + 5000, noise(8192, 5));
  const hinted = ["--changed-ranges", list, "--changed-since", since];
  const good = await runJson("archive", dir, source, ...names, ...hinted);
  const shown = await runJson("show", dir, (good.value as ImageEntry).id);
  expect(shown.value).toMatchObject({ images: [{ details: { hints: "used", hintsUnreadPages: "29" } }] });
  const other = join(folder, "hinted-back.img");
  await runJson("restore", dir, (good.value as ImageEntry).id, other);
  expect((await readFile(other)).equals(await readFile(source))).toBe(true);

  const stale = await runCli(["repo", "archive", dir, source, ...names, ...hinted, "--json"]);
  expect(JSON.parse(stale.stderr).message).toContain(`since ${since}`);
  await overwrite(source, 2 * MIB, noise(6 * MIB, 9)); // Most of what the list spares: 16 pages of 29 meet it.
  const wrong = await runCli(["repo", "archive", dir, source, ...names, "--changed-ranges", list, "--json"]);
  expect(JSON.parse(wrong.stderr)).toMatchObject({ notice: "changed-ranges-wrong" });
  await rm(other);
  await runJson("restore", dir, (JSON.parse(wrong.stdout) as ImageEntry).id, other);
  expect((await readFile(other)).equals(await readFile(source))).toBe(true);
});

test("list --json prints an array of the same objects in commit order", async () => {
  const { exitCode, value } = await runJson("list", repository);
  expect(exitCode).toBe(0);
  expect(value).toEqual([first, second]);
  expect((await runJson("list", repository, "--node", "nobody")).value).toEqual([]);
});

test("show accepts an id, its unambiguous beginning, and id:partition", async () => {
  const start = first.id.slice(0, -4);
  for (const reference of [first.id, start, `${first.id}:sda1`]) {
    expect((await runJson("show", repository, reference)).value).toMatchObject({
      id: first.id,
      node: "pc01",
    });
  }
  const { exitCode, error } = await runJson("show", repository, "snap_");
  expect({ exitCode, code: error?.code }).toEqual({ exitCode: 2, code: "snapshot-ambiguous" });
});

test("restore makes a sparse file equal to the image", async () => {
  const target = join(folder, "new.img");
  const { exitCode, value } = await runJson("restore", repository, second.id, target);
  expect(exitCode).toBe(0);
  expect(Object.keys(value as object)).toEqual([
    "id",
    "target",
    "readBytes",
    "differingBytes",
    "writtenBytes",
    "seconds",
  ]);
  await expectEqualFiles(image, target);
  expect((await stat(target)).blocks * 512).toBeLessThan(IMAGE_BYTES);
});

test("restore onto an existing file writes only what differs, and nothing the second time", async () => {
  const target = join(folder, "existing.img");
  await cp(image, target);
  const { value } = await runJson("restore", repository, first.id, target);
  expect(value).toMatchObject({ readBytes: IMAGE_BYTES });
  const { writtenBytes } = value as { writtenBytes: number };
  expect(writtenBytes).toBeGreaterThan(0);
  expect(writtenBytes).toBeLessThanOrEqual(MIB / 2);
  expect((await runJson("restore", repository, first.id, target)).value).toMatchObject({ writtenBytes: 0 });
});

test("restore --dry-run says how much differs and writes nothing", async () => {
  const target = join(folder, "dry.img");
  await cp(image, target);
  const { exitCode, value } = await runJson("restore", repository, first.id, target, "--dry-run");
  expect(exitCode).toBe(0);
  expect(value).toMatchObject({ differingBytes: MIB / 4, writtenBytes: 0 });
  await expectEqualFiles(image, target);
  const absent = join(folder, "never.img");
  expect((await runJson("restore", repository, first.id, absent, "--dry-run")).exitCode).toBe(0);
  expect(existsSync(absent)).toBe(false);
});

test("a link as target is named before anything is written", async () => {
  const target = join(folder, "behind-link.img");
  const link = join(folder, "link.img");
  await cp(image, target);
  await symlink(target, link);
  const { exitCode, value, errors } = await runJson("restore", repository, first.id, link);
  expect(exitCode).toBe(0);
  expect(value).toMatchObject({ target });
  expect(errors).toEqual([{ notice: "target-is-link", message: expect.stringContaining(target) }]);
});

const refusals: [string, () => Promise<string> | string, string, number][] = [
  ["a folder", () => folder, "target-other-purpose", 4],
  ["a character device", () => "/dev/null", "target-other-purpose", 4],
  ["too small a file", () => fileOf("small.img", IMAGE_BYTES - 1), "target-too-small", 4],
  ["a larger file", () => fileOf("large.img", IMAGE_BYTES + 1), "target-other-purpose", 4],
  ["a file with NTFS", () => fileOf("ntfs.img", IMAGE_BYTES, "\0\0\0NTFS    "), "target-other-purpose", 4],
  ["a file inside the repository", () => join(repository, "x.img"), "target-other-purpose", 4],
  ["a file in no folder", () => join(folder, "no", "x.img"), "target-missing", 5],
];
for (const [name, make, code, exitCode] of refusals) {
  test(`restore refuses ${name} and touches nothing`, async () => {
    const target = await make();
    const result = await runJson("restore", repository, first.id, target);
    expect({ exitCode: result.exitCode, code: result.error?.code }).toEqual({ exitCode, code });
    expect(result.stdout).toBe("");
    expect(result.error?.hint).toBeTruthy();
  });
}

test("--allow-larger restores the image and leaves the bytes behind it", async () => {
  const target = await fileOf("larger.img", IMAGE_BYTES + 5, "");
  await overwrite(target, IMAGE_BYTES, Buffer.from("after"));
  expect((await runJson("restore", repository, second.id, target, "--allow-larger")).exitCode).toBe(0);
  const bytes = await readFile(target);
  expect(bytes.subarray(IMAGE_BYTES).toString()).toBe("after");
  expect(bytes.subarray(0, IMAGE_BYTES).equals(await readFile(image))).toBe(true);
});

test("--overwrite-other restores over another file system", async () => {
  const target = await fileOf("other.img", IMAGE_BYTES, "\0\0\0NTFS    ");
  expect((await runJson("restore", repository, second.id, target, "--overwrite-other")).exitCode).toBe(0);
  await expectEqualFiles(image, target);
});

const missing: [string, () => string[], string, number][] = [
  ["an unknown snapshot", () => ["show", repository, "snap_zzzz"], "snapshot-unknown", 5],
  ["an unknown partition", () => ["show", repository, `${first.id}:sdz9`], "snapshot-unknown", 5],
  ["a folder that is not there", () => ["list", join(folder, "nothing")], "repository-missing", 5],
  ["a folder without a repository", () => ["list", folder], "repository-missing", 5],
  ["an absent source", () => archiveArgs(join(folder, "nothing.img")), "source-missing", 5],
  ["a folder as source", () => archiveArgs(folder), "source-unsuitable", 4],
  ["a source of the repository", () => archiveArgs(join(repository, "config")), "source-unsuitable", 4],
  ["a second init", () => ["init", repository], "repository-exists", 4],
];
for (const [name, args, code, exitCode] of missing) {
  test(`${name} is refused as ${code}`, async () => {
    const result = await runJson(...args());
    expect({ exitCode: result.exitCode, code: result.error?.code }).toEqual({ exitCode, code });
    expect(result.stdout).toBe("");
  });
}

const usage: string[][] = [
  ["init"],
  ["init", "x", "--block-size", "1000"],
  ["archive", "a", "b", "--node", "n"],
  ["archive", "a", "b", "--node", "", "--partition", "p"],
  ["list", "a", "--no-such-option"],
  ["frobnicate"],
];
for (const args of usage) {
  test(`wrong usage is exit code 2 and one JSON line: repo ${args.join(" ")}`, async () => {
    const { exitCode, stdout, errors } = await runJson(...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(errors).toEqual([
      { code: "input-invalid", message: expect.any(String), hint: expect.any(String) },
    ]);
  });
}

test("help names every verb and every exit code, on stdout", async () => {
  const top = await runCli(["repo", "--help"]);
  expect(top.exitCode).toBe(0);
  const verbs = "init archive list show restore verify stats rebuild-index export import serve".split(" ");
  for (const verb of verbs) {
    expect(top.stdout).toContain(verb);
    expect((await runCli(["repo", verb, "--help"])).stdout).toContain("130  interrupted");
  }
});

test("people read tables and sentences, and progress when asked for", async () => {
  const listed = await runCli(["repo", "list", repository]);
  expect(listed.stdout).toMatch(/SNAPSHOT +TIME \(UTC\) +NODE/);
  expect(listed.stderr).toBe("");
  const verified = await runCli(["repo", "verify", repository, "--progress"]);
  expect(verified.stdout).toMatch(/^All is well: 2 snapshots, 2 images/);
  expect(verified.stderr).toContain("100 %");
  const wrong = await runCli(["repo", "show", repository, "snap_zzzz"]);
  expect(wrong.stderr).toMatch(/^Error: .*\n {2}\S/);
});

test("stats and rebuild-index give sizes by kind and counts", async () => {
  const { value } = await runJson("stats", repository);
  expect(value).toMatchObject({ snapshotCount: 2, imageCount: 2, logicalBytes: 2 * IMAGE_BYTES });
  const rebuilt = await runJson("rebuild-index", repository);
  expect(rebuilt.value).toMatchObject({ blockCount: (value as { blockCount: number }).blockCount });
  expect((await runJson("verify", repository)).exitCode).toBe(0);
});

test("a snapshot of several images, as the dashboard makes them, is listed and restored image by image", async () => {
  const dir = join(folder, "several");
  const layout = await fileOf("layout.img", MIB, "layout");
  const { id } = await archiveTogether(dir, { layout, sda1: image });
  const { value } = await runJson("list", dir);
  expect(value).toMatchObject([
    { id: `${id}:layout`, partition: "layout", sizeBytes: MIB },
    { id: `${id}:sda1`, partition: "sda1", sizeBytes: IMAGE_BYTES },
  ]);
  expect((await runJson("show", dir, id)).value).toMatchObject({ images: [{}, {}] });
  const target = join(folder, "one-of-several.img");
  const unclear = await runJson("restore", dir, id, target);
  expect({ exitCode: unclear.exitCode, hint: unclear.error?.hint }).toMatchObject({
    exitCode: 2,
    hint: expect.stringContaining("layout, sda1"),
  });
  const contradiction = await runJson("restore", dir, `${id}:sda1`, target, "--partition", "layout");
  expect(contradiction.exitCode).toBe(2);
  expect((await runJson("restore", dir, `${id}:sda1`, target)).value).toMatchObject({ id: `${id}:sda1` });
  await expectEqualFiles(image, target);
  const other = join(folder, "other-of-several.img");
  expect((await runJson("restore", dir, id, other, "--partition", "layout")).exitCode).toBe(0);
  await expectEqualFiles(layout, other);
});

test("a truncated pack is found by verify, named, and exit code 3", async () => {
  const copy = await copyOfRepository("truncated");
  const pack = await somePack(copy);
  await run("chmod", ["u+w", pack]);
  await truncate(pack, Math.floor((await stat(pack)).size / 2));
  const { exitCode, value } = await runJson("verify", copy);
  expect(exitCode).toBe(3);
  const { findings } = value as { findings: { code: string; file: string }[] };
  expect(findings.length).toBeGreaterThan(0);
  expect(findings.map(({ file }) => file).join(" ")).toContain(pack.slice(-20));
  const restored = await runJson("restore", copy, second.id, join(folder, "of-truncated.img"));
  expect(restored.exitCode).toBe(6);
});

test("list says which snapshot file is damaged instead of leaving it out in silence", async () => {
  const copy = await copyOfRepository("damaged-snapshot");
  const name = (await readdir(join(copy, "snapshots"))).find((each) => each.includes(first.id)) ?? "";
  await run("chmod", ["u+w", join(copy, "snapshots", name)]);
  await truncate(join(copy, "snapshots", name), 50);
  const { exitCode, value, errors } = await runJson("list", copy);
  expect({ exitCode, value }).toEqual({ exitCode: 0, value: [second] });
  expect(errors).toEqual([{ notice: "snapshot-corrupt", message: expect.stringContaining(name) }]);
});

test("a repository of a newer format is refused by name", async () => {
  const copy = await copyOfRepository("newer");
  const config = join(copy, "config");
  const text = await readFile(config, "utf8");
  await run("chmod", ["u+w", config]);
  await writeFile(config, text.replace(/"format": ?1/, '"format": 99'));
  const { exitCode, error } = await runJson("list", copy);
  expect({ exitCode, code: error?.code }).toEqual({ exitCode: 6, code: "repository-format-newer" });
});

test("a second writer is refused as locked while readers are served; Ctrl-C then drops all and unlocks", async () => {
  const copy = await copyOfRepository("interrupted");
  const large = join(folder, "large-source.img");
  await makeImage(large, 256 * MIB, 256);
  let stop: () => void = () => undefined;
  let started: () => void = () => undefined;
  const running = new Promise<void>((resolve) => {
    started = resolve;
  });
  const work = runCli(["repo", ...archiveArgs(large, copy), "--json", "--progress"], {
    onStart: (child) => {
      stop = () => child.kill("SIGINT");
    },
    onStderr: () => started(),
  });
  await running;
  const locked = await runJson(...archiveArgs(image, copy));
  const listed = await runJson("list", copy);
  stop();
  const interrupted = await work;
  expect({ exitCode: locked.exitCode, code: locked.error?.code }).toEqual({
    exitCode: 8,
    code: "repository-locked",
  });
  expect(listed.value).toEqual([first, second]);
  expect(interrupted.exitCode).toBe(130);
  expect(interrupted.stdout).toBe("");
  expect(interrupted.stderr).toContain('"code":"interrupted"');
  expect((await runJson("list", copy)).value).toEqual([first, second]);
  expect((await runJson(...archiveArgs(image, copy))).exitCode).toBe(0);
});

const oldNode = ["/usr/bin/node", "/usr/local/bin/node"].find((path) => existsSync(path));
test.skipIf(oldNode === undefined)(
  "the launcher started by the system's Node gives the same result",
  async () => {
    const { exitCode, stdout } = await runCli(["repo", "list", repository, "--json"], { node: oldNode });
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toEqual([first, second]);
    expect((await runCli(["repo", "show", repository, "snap_zzzz"], { node: oldNode })).exitCode).toBe(5);
  },
);

function archiveArgs(source: string, into = repository): string[] {
  return ["archive", into, source, "--node", "pc01", "--partition", "sda1"];
}

async function archive(source: string, node: string): Promise<ImageEntry> {
  const { value, errors } = await runJson(
    "archive",
    repository,
    source,
    "--node",
    node,
    "--partition",
    "sda1",
  );
  expect(errors).toEqual([]);
  return value as ImageEntry;
}

/** One snapshot with an image per given file, made as the worker does. */
async function archiveTogether(dir: string, files: Readonly<Record<string, string>>) {
  await createRepository({ storage: await openLocalDisk(dir, { create: true }) });
  const several = await openRepository({ storage: await openLocalDisk(dir), access: "write" });
  try {
    const session = await several.beginArchive({ node: "pc01" });
    for (const [partition, path] of Object.entries(files)) {
      const source = await openFileSource(path);
      await session.archiveSource({ partition }, source);
      await source.close();
    }
    return await session.commit();
  } finally {
    await several.close();
  }
}

async function fileOf(name: string, sizeBytes: number, start = ""): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, start, "latin1");
  await truncate(path, sizeBytes);
  return path;
}

async function copyOfRepository(name: string): Promise<string> {
  const copy = join(folder, name);
  await cp(repository, copy, { recursive: true });
  return copy;
}

async function somePack(dir: string): Promise<string> {
  const names = await readdir(join(dir, "packs"), { recursive: true });
  const name = names.find((candidate) => candidate.endsWith(".pack"));
  if (name === undefined) throw new Error(`No pack in ${dir}.`);
  return join(dir, "packs", name);
}

async function expectEqualFiles(a: string, b: string): Promise<void> {
  await run("cmp", [a, b]);
}

test("archive --technique stores full images and diffs, which restore like any other", async () => {
  const own = join(folder, "techniques");
  expect((await runJson("init", own, "--technique", "diff")).value).toMatchObject({ technique: "diff" });
  const put = async (...options: string[]) => {
    const made = await runJson("archive", own, image, "--node", "pc01", "--partition", "sda1", ...options);
    expect(made.exitCode).toBe(0);
    return made.value as ImageEntry;
  };
  const full = await put();
  await overwrite(image, 5 * MIB, noise(MIB / 8, 78));
  const diff = await put("--base", "first", "--compression", "gzip:9");
  expect([full.technique, diff.technique]).toEqual(["full", "diff"]);
  expect(diff.newBytes).toBeLessThanOrEqual(MIB / 8 + 8192);
  expect((await runCli(["repo", "show", own, diff.id])).stdout).toContain(`diff against ${full.id}`);
  expect((await runCli(["repo", "show", own, full.id])).stdout).toContain("1 diffs");
  expect((await runJson("verify", own)).exitCode).toBe(0);
  const target = join(folder, "technique.img");
  expect((await runJson("restore", own, diff.id, target)).exitCode).toBe(0);
  expect(Buffer.compare(await readFile(target), await readFile(image))).toBe(0);
  const archive = ["archive", own, image, "--node", "pc01", "--partition", "sda1"];
  const misfit = await runJson(...archive, "--technique", "full", "--base", "first");
  expect([misfit.exitCode, misfit.error?.code]).toEqual([2, "input-invalid"]);
  expect((await runJson(...archive, "--compression", "zstd:99")).exitCode).toBe(2);
  expect((await runJson(...archive, "--base", "snap_no")).error?.code).toBe("snapshot-unknown");
});

test("evaluate prints a row for each snapshot, technique, block size and compression", async () => {
  const options = ["--block-sizes", "4k,1M,4096", "--compressions", "none,zstd:1"];
  const { exitCode, value } = await runJson(
    "evaluate",
    repository,
    first.id,
    `${second.id}:sda1`,
    ...options,
  );
  expect(exitCode).toBe(0);
  const rows = value as Record<string, number | string>[];
  expect(rows.length).toBe(2 * 3 * 2 * 2);
  expect(Object.keys(rows[0] ?? {}).join(" ")).toBe(
    "snapshot technique blockSize compression dataBytes metadataBytes totalBytes incrementBytes",
  );
  const row = (snapshot: string, technique: string) =>
    rows.find(
      (each) =>
        each.snapshot === snapshot &&
        each.technique === technique &&
        each.blockSize === 4096 &&
        each.compression === "none",
    );
  expect(row(first.id, "repository")?.dataBytes).toBe(first.newBytes);
  expect(row(second.id, "repository")?.dataBytes).toBe(first.newBytes + second.newBytes);
  expect(row(second.id, "full")?.incrementBytes).toBeGreaterThan(first.newBytes);
  const words = await runCli(["repo", "evaluate", repository, first.id, ...options]);
  expect(words.stdout).toMatch(/^TECHNIQUE +BLOCK +COMPRESSION +FIRST/);
  expect(words.stdout).toContain("zstd:1");
  expect((await runJson("evaluate", repository, first.id, "--block-sizes", "8M")).exitCode).toBe(2);
});
