// Export, import and serve with the real program on real files, judged by other people's programs: gzip, zstd, QEMU,
// nbdinfo, nbdcopy, and (as root) a mount. Where one of those is not installed its tests are skipped and say so.
import { execFile, spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ImageEntry } from "./image-entry.ts";
import { runCli, runJson } from "./run-cli.ts";
import { MIB, makeImage, noise, overwrite } from "./test-images.ts";

const run = promisify(execFile);
const LAUNCHER = fileURLToPath(new URL("../sheepfold.mjs", import.meta.url));
const IMAGE_BYTES = 40 * MIB + 4096;
const FORMATS = ["raw", "raw.gz", "raw.zst", "qcow2"] as const;

let folder = "";
let repository = "";
let image = "";
let entry: ImageEntry;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sheepfold-exchange-"));
  repository = join(folder, "repository");
  image = join(folder, "sda1.img");
  await makeImage(image, IMAGE_BYTES);
  await overwrite(image, 20 * MIB + 70_000, noise(MIB, 99));
  await overwrite(image, IMAGE_BYTES - 512, noise(512, 5));
  await runJson("init", repository);
  entry = (await runJson("archive", repository, image, "--node", "pc01", "--partition", "sda1"))
    .value as ImageEntry;
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A test that stands on a program of the system; the name of a skipped one says which is missing. */
function withTools(tools: readonly string[], name: string, body: () => Promise<void>): void {
  const missing = tools.filter((tool) => spawnSync("which", [tool]).status !== 0);
  if (missing.length === 0) test(name, body);
  else test.skip(`${name} (not installed: ${missing.join(", ")})`, body);
}

async function exported(format: string): Promise<string> {
  const path = join(folder, `exported.${format}`);
  if (!existsSync(path))
    await runCli(["repo", "export", repository, entry.id, "--format", format, "--output", path]);
  return path;
}

async function snapshotCount(): Promise<number> {
  return ((await runJson("list", repository)).value as ImageEntry[]).length;
}

// Export ------------------------------------------------------------------------------------------------------

test("export --json prints exactly the promised object; a raw file is equal and has holes", async () => {
  const path = join(folder, "one.raw");
  const { exitCode, value, errors } = await runJson(...exportArgs("raw", path));
  expect({ exitCode, errors }).toEqual({ exitCode: 0, errors: [] });
  expect(Object.keys(value as object)).toEqual([
    "id",
    "format",
    "output",
    "sizeBytes",
    "writtenBytes",
    "seconds",
  ]);
  expect(value).toMatchObject({ id: entry.id, format: "raw", output: path, sizeBytes: IMAGE_BYTES });
  await run("cmp", [image, path]);
  const { blocks, mode } = await stat(path);
  expect(blocks * 512).toBeLessThan(7 * MIB);
  expect((value as { writtenBytes: number }).writtenBytes).toBeLessThan(7 * MIB);
  expect(mode & 0o777).toBe(0o600);
  expect(existsSync(`${path}.partial`)).toBe(false);
});

withTools(["gzip"], "gzip unpacks an exported raw.gz to the image", () => expectUnpacks("gzip", "raw.gz"));
withTools(["zstd"], "zstd unpacks an exported raw.zst to the image", () => expectUnpacks("zstd", "raw.zst"));

withTools(["qemu-img"], "QEMU finds no fault in an exported qcow2, and the image in it", async () => {
  const path = await exported("qcow2");
  const { stdout } = await run("qemu-img", ["check", "--output=json", path]);
  const report = JSON.parse(stdout) as Record<string, number>;
  expect({ errors: report["check-errors"], leaks: report.leaks }).toEqual({ errors: 0, leaks: undefined });
  expect(report["allocated-clusters"]).toBeLessThan((7 * MIB) / 65536);
  await run("qemu-img", ["compare", "-f", "raw", "-F", "qcow2", image, path]);
});

test("an export to stdout is the image; a reader that leaves early makes it a failure", async () => {
  const command = `'${process.execPath}' '${LAUNCHER}' repo export '${repository}' ${entry.id} --format raw`;
  await run("bash", ["-o", "pipefail", "-c", `${command} | cmp - '${image}'`]);
  const { stdout } = await run("bash", ["-c", `${command} | head -c 10 | wc -c; echo \${PIPESTATUS[0]}`]);
  expect(stdout.split("\n").map((line) => line.trim())).toEqual(["10", "7", ""]);
});

const exportRefusals: [string, () => string[], string, number][] = [
  ["a file that is there", () => exportArgs("raw", image), "target-other-purpose", 4],
  ["a file in no folder", () => exportArgs("raw", join(folder, "no", "x")), "target-missing", 5],
  ["a file inside the repository", () => exportArgs("raw", join(repository, "x")), "target-other-purpose", 4],
  ["qcow2 on stdout", () => exportArgs("qcow2", "-").concat("--json"), "input-invalid", 2],
  [
    "an unknown snapshot",
    () => ["export", repository, "snap_zzzz", "--format", "raw", "--output", "x"],
    "snapshot-unknown",
    5,
  ],
  ["an unknown format", () => exportArgs("vmdk", join(folder, "x")), "input-invalid", 2],
];
for (const [name, args, code, exitCode] of exportRefusals) {
  test(`export refuses ${name} and leaves no file`, async () => {
    const before = await readdir(folder);
    const result = await runJson(...args());
    expect({ exitCode: result.exitCode, code: result.error?.code }).toEqual({ exitCode, code });
    expect(await readdir(folder)).toEqual(before);
  });
}

test("an export that meets damage leaves no file and says what is damaged", async () => {
  const copy = join(folder, "damaged");
  await run("cp", ["-a", repository, copy]);
  for (const name of await readdir(join(copy, "packs"), { recursive: true })) {
    const pack = join(copy, "packs", name);
    if (!name.endsWith(".pack") || (await stat(pack)).size < MIB) continue;
    await run("chmod", ["u+w", pack]);
    await overwrite(pack, MIB, noise(1000, 3));
  }
  const path = join(folder, "of-damaged.qcow2");
  const result = await runJson("export", copy, entry.id, "--format", "qcow2", "--output", path);
  expect({ exitCode: result.exitCode, code: result.error?.code }).toEqual({
    exitCode: 6,
    code: "pack-corrupt",
  });
  expect([existsSync(path), existsSync(`${path}.partial`)]).toEqual([false, false]);
});

// Import ------------------------------------------------------------------------------------------------------

for (const format of FORMATS) {
  test(`what was exported as ${format} is imported as the same image, and stores nothing new`, async () => {
    const { exitCode, value } = await runJson(...importArgs(await exported(format), format));
    expect(exitCode).toBe(0);
    expect(value).toMatchObject({ contentRoot: entry.contentRoot, newBytes: 0, node: `imported-${format}` });
    const { id } = value as ImageEntry;
    expect((await runJson("show", repository, id)).value).toMatchObject({
      purpose: "import",
      comment: "from afar",
    });
  });
}

for (const format of ["raw", "raw.gz", "raw.zst"] as const) {
  test(`${format} is imported from stdin; cut short, or of another size, nothing is committed`, async () => {
    const path = await exported(format);
    const whole = await importFromStdin(path, format, String(IMAGE_BYTES));
    expect(whole).toMatchObject({ exitCode: 0 });
    expect(JSON.parse(whole.stdout)).toMatchObject({ contentRoot: entry.contentRoot });
    const before = await snapshotCount();
    const short = join(folder, `short.${format}`);
    await copyFile(path, short);
    await truncate(short, Math.floor((await stat(path)).size / 2));
    for (const [file, size] of [
      [short, `${IMAGE_BYTES}`],
      [path, `${IMAGE_BYTES - 1}`],
      [path, "41MiB"],
    ] as const) {
      const { exitCode, stderr, stdout } = await importFromStdin(file, format, size);
      expect({ exitCode, stdout }).toEqual({ exitCode: 7, stdout: "" });
      expect(stderr).toMatch(/"code":"source-(changed-size|read-failed)"/);
    }
    expect(await snapshotCount()).toBe(before);
  });
}

const spoiled: [string, string, (bytes: Buffer) => Buffer][] = [
  ["a raw.gz cut in its last bytes", "raw.gz", (bytes) => bytes.subarray(0, bytes.length - 4)],
  ["a raw.gz with another checksum", "raw.gz", (bytes) => flipped(bytes, bytes.length - 6)],
  ["a raw.zst cut in its checksum", "raw.zst", (bytes) => bytes.subarray(0, bytes.length - 2)],
  ["a raw.zst with one bit flipped", "raw.zst", (bytes) => flipped(bytes, bytes.length >> 1)],
  ["something else as raw.zst", "raw.zst", () => gzipSync("no zstd")],
  ["something else as raw.gz", "raw.gz", () => zstdCompressSync("no gzip")],
  ["a qcow2 cut short", "qcow2", (bytes) => bytes.subarray(0, bytes.length >> 1)],
  ["a raw image as qcow2", "qcow2", () => readFileSync(image)],
];
for (const [name, format, spoil] of spoiled) {
  test(`import refuses ${name} and commits nothing`, async () => {
    const before = await snapshotCount();
    const path = join(folder, "spoiled");
    await writeFile(path, spoil(await readFile(await exported(format))));
    const { exitCode, error, stdout } = await runJson(...importArgs(path, format));
    expect({ exitCode, code: error?.code, stdout }).toEqual({
      exitCode: 7,
      code: "source-read-failed",
      stdout: "",
    });
    expect(await snapshotCount()).toBe(before);
  });
}

const importRefusals: [string, () => string[]][] = [
  ["stdin without a size", () => importArgs("-", "raw.gz")],
  ["a size for a file that has one", () => [...importArgs(image, "raw"), "--size", "5"]],
  ["a size that is none", () => [...importArgs("-", "raw"), "--size", "many"]],
  ["a qcow2 file on stdin", () => [...importArgs("-", "qcow2"), "--size", "5"]],
];
for (const [name, args] of importRefusals) {
  test(`import refuses ${name} as wrong usage`, async () => {
    const { exitCode, error } = await runJson(...args());
    expect({ exitCode, code: error?.code }).toEqual({ exitCode: 2, code: "input-invalid" });
  });
}

withTools(
  ["qemu-img"],
  "every kind of qcow2 QEMU makes without a base is imported as the same image",
  async () => {
    const kinds = [
      ["-o", "compat=0.10,cluster_size=512"],
      ["-o", "cluster_size=2M,lazy_refcounts=on"],
      ["-c"],
      ["-c", "-o", "cluster_size=2M"],
      ["-c", "-o", "compression_type=zstd"],
      ["-c", "-o", "compression_type=zstd,cluster_size=2M"],
    ];
    for (const kind of kinds) {
      const path = join(folder, "by-qemu.qcow2");
      await run("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", ...kind, image, path]);
      const { value } = await runJson(...importArgs(path, "qcow2"));
      expect(value, kind.join(" ")).toMatchObject({ contentRoot: entry.contentRoot });
    }
    const overlay = join(folder, "overlay.qcow2");
    await run("qemu-img", ["create", "-q", "-f", "qcow2", "-F", "raw", "-b", image, overlay]);
    const { exitCode, error } = await runJson(...importArgs(overlay, "qcow2"));
    expect({ exitCode, message: error?.message }).toEqual({
      exitCode: 2,
      message: expect.stringContaining("a backing file"),
    });
  },
);

// Serve -------------------------------------------------------------------------------------------------------

withTools(
  ["nbdinfo", "nbdcopy"],
  "nbdinfo and nbdcopy read a served image; Ctrl-C leaves nothing",
  async () => {
    const socket = join(folder, "nbd.sock");
    await serving([entry.id, "--nbd", `unix:${socket}`], async (uri) => {
      const info = JSON.parse((await run("nbdinfo", ["--json", uri])).stdout) as { exports: object[] };
      expect(info.exports[0]).toMatchObject({
        "export-name": `${entry.id}:sda1`,
        "export-size": IMAGE_BYTES,
        is_read_only: true,
        can_multi_conn: true,
      });
      const copy = join(folder, "nbdcopied.img");
      await run("nbdcopy", [uri, copy]);
      await run("cmp", [image, copy]);
      const map = JSON.parse((await run("nbdinfo", ["--map", "--json", uri])).stdout) as {
        length: number;
        type: number;
      }[];
      expect(map.reduce((sum, { length }) => sum + length, 0)).toBe(IMAGE_BYTES);
      expect(new Set(map.map(({ type }) => type))).toEqual(new Set([0, 3]));
    });
    expect(existsSync(socket)).toBe(false);
  },
);

withTools(["qemu-img"], "QEMU reads a served image over TCP", async () => {
  await serving([entry.id, "--nbd", "tcp:127.0.0.1:0"], async (uri) => {
    await run("qemu-img", ["compare", "-f", "raw", "-F", "raw", image, uri]);
  });
});

const canMount = process.getuid?.() === 0 && existsSync("/dev/fuse");
const mountTools = ["nbdfuse", "mke2fs"];
withTools(
  canMount ? mountTools : ["root and /dev/fuse"],
  "a file is taken out of a served snapshot by a mount",
  async () => {
    const files = join(folder, "files");
    await mkdir(files);
    await writeFile(join(files, "report.txt"), noise(3 * MIB, 7));
    const partition = join(folder, "ext4.img");
    await run("mke2fs", ["-q", "-t", "ext4", "-d", files, partition, "32M"]);
    const { value } = await runJson(
      "archive",
      repository,
      partition,
      "--node",
      "pc02",
      "--partition",
      "sda2",
    );
    await serving([(value as ImageEntry).id, "--nbd", `unix:${join(folder, "m.sock")}`], async (uri) => {
      const [fuse, mounted] = [join(folder, "fuse"), join(folder, "mounted")];
      await mkdir(fuse);
      await mkdir(mounted);
      const nbdfuse = spawn("nbdfuse", ["-r", fuse, uri], { stdio: "ignore" });
      try {
        await expect.poll(() => existsSync(join(fuse, "nbd")), { timeout: 20_000 }).toBe(true);
        await run("mount", ["-o", "ro,loop,noload", join(fuse, "nbd"), mounted]);
        try {
          await run("cmp", [join(files, "report.txt"), join(mounted, "report.txt")]);
        } finally {
          await run("umount", [mounted]);
        }
      } finally {
        await run("umount", [fuse]);
        nbdfuse.kill(); // Where the unmounting has not ended it.
      }
    });
  },
);

test("hostile bytes end a connection, not the server; a second server on the same socket is refused", async () => {
  const socket = join(folder, "hostile.sock");
  await serving([entry.id, "--nbd", `unix:${socket}`], async () => {
    for (let round = 0; round < 20; round++) {
      const client = connect(socket);
      client.on("error", () => undefined); // Being cut off is what is wanted.
      client.end(noise(4096, round + 1));
      client.resume();
      await new Promise((resolve) => client.once("close", resolve));
    }
    const second = await runJson("serve", repository, entry.id, "--nbd", `unix:${socket}`);
    expect({ exitCode: second.exitCode, code: second.error?.code }).toEqual({
      exitCode: 2,
      code: "input-invalid",
    });
    expect((await stat(socket)).isSocket()).toBe(true);
  });
});

for (const address of ["file:x", "unix:", "tcp:host", "tcp:host:99999", `unix:/${"x".repeat(120)}`]) {
  test(`serve refuses the address ${address.slice(0, 20)} as wrong usage`, async () => {
    expect((await runJson("serve", repository, entry.id, "--nbd", address)).exitCode).toBe(2);
  });
}

// Helpers -----------------------------------------------------------------------------------------------------

function exportArgs(format: string, output: string): string[] {
  return ["export", repository, entry.id, "--format", format, "--output", output];
}

function importArgs(source: string, format: string): string[] {
  const names = ["--node", `imported-${format}`, "--partition", "sda1", "--comment", "from afar"];
  return ["import", repository, source, "--format", format, ...names];
}

async function expectUnpacks(tool: string, format: string): Promise<void> {
  await run("bash", ["-o", "pipefail", "-c", `${tool} -dc '${await exported(format)}' | cmp - '${image}'`]);
}

async function importFromStdin(path: string, format: string, size: string) {
  const args = ["repo", ...importArgs("-", format), "--size", size, "--json"];
  const command = `exec '${process.execPath}' '${LAUNCHER}' "$@" < '${path}'`;
  try {
    const { stdout, stderr } = await run("bash", ["-c", command, "bash", ...args]);
    return { exitCode: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { exitCode: code, stdout, stderr };
  }
}

/** Runs `repo serve` while `work` uses it, then stops it as Ctrl-C does: it must end well. */
async function serving(args: readonly string[], work: (uri: string) => Promise<void>): Promise<void> {
  const child = spawn(process.execPath, [LAUNCHER, "repo", "serve", repository, ...args, "--json"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  try {
    const line = await new Promise<string>((resolve) =>
      child.stdout.once("data", (data) => resolve(String(data))),
    );
    await work((JSON.parse(line) as { uri: string }).uri);
  } finally {
    child.kill("SIGINT");
  }
  expect(await ended).toBe(0);
}

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}
