// The volume by the file system's own checker and by mtools, which know nothing of ours.
import { execFile, execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeFatVolume, VOLUME_BYTES_MIN } from "./fat-volume.ts";

const MIB = 1024 * 1024;
const run = promisify(execFile);
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sheepfold-fat-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const text = (words: string) => Buffer.from(words);
const FILES = [
  { path: "meta-data", bytes: text("instance-id: i-1\nlocal-hostname: lab-a-01\n") },
  { path: "user-data", bytes: text("#cloud-config\n") },
  { path: "network-config", bytes: text("version: 2\n") },
  { path: "EMPTY.TXT", bytes: Buffer.alloc(0) },
  { path: "files/etc/a rather long name, with spaces and ümlauts.conf", bytes: text("x=1\n") },
  { path: "files/etc/a rather long name, with spaces and others.conf", bytes: text("x=2\n") },
  { path: "files/large.bin", bytes: Buffer.alloc(20_000, 7) },
];

async function volumeFile(sizeBytes: number, files = FILES): Promise<string> {
  const path = join(folder, `${sizeBytes}-${files.length}.img`);
  await writeFile(path, makeFatVolume({ label: "CIDATA", sizeBytes, files }));
  return path;
}

describe("a volume", () => {
  for (const sizeBytes of [VOLUME_BYTES_MIN, MIB, 8 * MIB, 40 * MIB, 300 * MIB]) {
    test(`of ${sizeBytes} bytes passes fsck.fat, and every file is read back by mtools`, async () => {
      const path = await volumeFile(sizeBytes);
      await run("/sbin/fsck.fat", ["-n", "-v", path]);
      for (const { path: name, bytes } of FILES) {
        const target = join(folder, "back");
        await run("mcopy", ["-n", "-o", "-i", path, `::/${name}`, target], {
          env: { ...process.env, LC_ALL: "C.UTF-8" },
        });
        expect(await readFile(target)).toEqual(bytes);
      }
      const { stdout } = await run("mlabel", ["-s", "-i", path, "::"]);
      expect(stdout).toContain("CIDATA");
    });
  }

  test("is the same bytes for the same files, in whatever order they come", () => {
    const make = (files: typeof FILES) => makeFatVolume({ label: "CIDATA", sizeBytes: MIB, files });
    expect(make(FILES).equals(make(FILES.toReversed()))).toBe(true);
    const [first, ...others] = FILES;
    const changed = [{ path: first?.path ?? "", bytes: text("other") }, ...others];
    // The serial number is another one, too.
    expect(make(FILES).subarray(39, 43).equals(make(changed).subarray(39, 43))).toBe(false);
  });

  test("has one folder where two spellings of its name are asked for, and both files in it", async () => {
    const files = [
      { path: "files/Etc/one", bytes: text("1") },
      { path: "files/etc/two", bytes: text("2") },
    ];
    const path = await volumeFile(MIB, files);
    await run("/sbin/fsck.fat", ["-n", path]);
    const listed = execFileSync("mdir", ["-b", "-/", "-i", path, "::"], { encoding: "utf8" });
    expect(listed.trim().split("\n")).toEqual([
      "::/files/",
      "::/files/Etc/",
      "::/files/Etc/one",
      "::/files/Etc/two",
    ]);
    expect(makeFatVolume({ label: "CIDATA", sizeBytes: MIB, files: files.toReversed() })).toEqual(
      await readFile(path),
    );
  });

  test("holds hundreds of files in one folder", async () => {
    const files = Array.from({ length: 300 }, (_, index) => ({
      path: `files/number ${index} of many.txt`,
      bytes: text(String(index)),
    }));
    const path = await volumeFile(4 * MIB, files);
    await run("/sbin/fsck.fat", ["-n", path]);
    const listed = execFileSync("mdir", ["-b", "-i", path, "::/files"], { encoding: "utf8" });
    expect(listed.trim().split("\n")).toHaveLength(300);
  });
});

describe("refused", () => {
  const make = (files: readonly { path: string; bytes: Uint8Array }[], sizeBytes = MIB) =>
    makeFatVolume({ label: "CIDATA", sizeBytes, files });
  const CASES: readonly [string, () => unknown, string][] = [
    ["files that do not fit", () => make([{ path: "a", bytes: Buffer.alloc(2 * MIB) }]), "target-too-small"],
    ["a volume too small for anything", () => make([], 4096), "target-too-small"],
    ["a size that is no whole number of sectors", () => make([], MIB + 1), "target-too-small"],
    ["a volume too large", () => make([], 4096 * MIB), "target-missing"],
    [
      "a name twice, but for its case",
      () =>
        make([
          { path: "a", bytes: text("1") },
          { path: "A", bytes: text("2") },
        ]),
      "input-invalid",
    ],
    [
      "a folder where a file is, but for its case",
      () =>
        make([
          { path: "a", bytes: text("1") },
          { path: "A/b", bytes: text("2") },
        ]),
      "input-invalid",
    ],
    ["a name that climbs out", () => make([{ path: "../a", bytes: text("1") }]), "input-invalid"],
    ["a name with a colon", () => make([{ path: "a:b", bytes: text("1") }]), "input-invalid"],
    ["an empty name", () => make([{ path: "files//a", bytes: text("1") }]), "input-invalid"],
  ];
  for (const [what, work, code] of CASES) {
    test(what, () => expect(work).toThrow(expect.objectContaining({ code })));
  }
});
