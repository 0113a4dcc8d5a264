// Recipes on real ext4 partitions inside image files, read back by debugfs and judged by e2fsck, without root. FAT, NTFS, hives and block
// devices are in run-recipes.integration.test.ts, which needs root and loop devices.
import { chmodSync, chownSync, linkSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openFileDevice } from "../device/file-device.ts";
import { noise } from "../test-disk.ts";
import { runRecipes } from "./run-recipes.ts";
import {
  addressOf,
  apply,
  debugfs,
  digestOf,
  hostName,
  line,
  makeDisk,
  makeExt,
  put,
  type TestVolume,
  tool,
} from "./test-volumes.ts";

let folder: string;
let made = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sheepfold-recipes-test-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const FILES = {
  "/etc/hostname": "master\n",
  "/etc/hosts": "127.0.0.1\tlocalhost\n127.0.1.1\tmaster.school.example\tmaster\n",
  "/etc/app.conf": "[app]\nserver=old\n",
};
const freshDisk = () => join(folder, `disk ${made++}.img`);
const fresh = (options?: readonly string[], prepare?: (staging: string) => void) =>
  makeExt(freshDisk(), FILES, options, prepare);
const cat = (volume: TestVolume, path: string) => debugfs(volume, `cat "${path}"`);
const stat = (volume: TestVolume, path: string) => debugfs(volume, `stat "${path}"`);
const fsck = (volume: TestVolume) => tool("e2fsck", "-fn", addressOf(volume));

test("a host gets its name in both files, its domain kept, and the file system passes its checker", async () => {
  const volume = await fresh();
  const recipe = hostName("lab-a-01");
  expect(await apply(volume, recipe)).toEqual([
    { recipe: 0, changed: true, words: "The host is called lab-a-01 instead of master." },
  ]);
  expect(cat(volume, "/etc/hostname")).toBe("lab-a-01\n");
  expect(cat(volume, "/etc/hosts")).toBe(
    "127.0.0.1\tlocalhost\n127.0.1.1\tlab-a-01.school.example lab-a-01\n",
  );
  fsck(volume);
  const before = await digestOf(volume);
  expect(await apply(volume, recipe)).toMatchObject([{ changed: false }]);
  expect(await digestOf(volume)).toBe(before);
});

test("several recipes run in their order, and each says whether it changed anything", async () => {
  const volume = await fresh();
  const results = await apply(
    volume,
    put("/srv/lab/seat.txt", "7\n"),
    line("/srv/lab/seat.txt", "7", "8"),
    line("/etc/app.conf", "server=", "server=10.0.0.2"),
    line("/etc/app.conf", "server=", "server=10.0.0.2"),
  );
  expect(results.map(({ recipe, changed }) => [recipe, changed])).toEqual([
    [0, true],
    [1, true],
    [2, true],
    [3, false],
  ]);
  expect(cat(volume, "/srv/lab/seat.txt")).toBe("8\n");
  expect(cat(volume, "/etc/app.conf")).toBe("[app]\nserver=10.0.0.2\n");
  expect(debugfs(volume, "ls /etc")).not.toContain("sheepfold");
  fsck(volume);
});

test("a replaced file keeps owner, mode and attributes; a new one is root's with 0644, or the mode asked for", async () => {
  const volume = await fresh([], (staging) => {
    if (process.getuid?.() === 0) chownSync(join(staging, "etc/app.conf"), 1000, 70_000);
    chmodSync(join(staging, "etc/app.conf"), 0o4750);
  });
  const address = addressOf(volume);
  if (process.getuid?.() !== 0) {
    for (const [field, id] of [
      ["uid", 1000],
      ["gid", 70_000],
    ]) {
      tool("debugfs", "-w", "-R", `sif /etc/app.conf ${field} ${id}`, address);
    }
  }
  tool("debugfs", "-w", "-R", 'ea_set /etc/app.conf security.selinux "system_u:object_r:etc_t:s0"', address);
  tool("debugfs", "-w", "-R", `ea_set /etc/app.conf user.long ${"x".repeat(600)}`, address);
  tool(
    "debugfs",
    "-w",
    "-R",
    'ea_set /etc/hosts security.selinux "system_u:object_r:net_conf_t:s0"',
    address,
  );
  fsck(volume);
  await apply(
    volume,
    put("/etc/app.conf", "new"),
    put("/etc/fresh", "new"),
    put("/etc/secret", "new", { mode: 0o600 }),
    put("/etc/hosts", FILES["/etc/hosts"], { mode: 0o640 }),
  );
  expect(stat(volume, "/etc/app.conf")).toMatch(/Mode: +04750.*User: +1000 +Group: +70000.*Links: 1/s);
  expect(debugfs(volume, "ea_get /etc/app.conf security.selinux")).toContain("system_u:object_r:etc_t:s0");
  expect(debugfs(volume, "ea_get /etc/app.conf user.long")).toContain("x".repeat(600));
  expect(debugfs(volume, "ea_get /etc/hosts security.selinux")).toContain("net_conf_t");
  expect(stat(volume, "/etc/fresh")).toMatch(/Mode: +0644.*User: +0 +Group: +0/s);
  expect(stat(volume, "/etc/secret")).toMatch(/Mode: +0600/);
  expect(stat(volume, "/etc/hosts")).toMatch(/Mode: +0640/);
  fsck(volume);
});

test("bytes of any kind and names of any language arrive as they are", async () => {
  const volume = await fresh();
  const bytes = noise(3, 200_000);
  const longest = `/${"n".repeat(255)}/${"ö".repeat(120)}`;
  const path = "/home/Schüler # 1; ($HOME) & !/日本 - 2.bin";
  await apply(volume, put(path, bytes), put("/empty", ""), put(longest, "long"));
  const out = join(folder, "out");
  debugfs(volume, `dump "${path}" "${out}"`);
  expect(await readFile(out)).toEqual(bytes);
  expect(cat(volume, longest)).toBe("long");
  expect(stat(volume, "/empty")).toMatch(/Size: 0/);
  fsck(volume);
});

test("a disk image's own path may hold what debugfs would take for an offset", async () => {
  const volume = await fresh();
  const odd = join(folder, 'odd "disk" ? offset=7 @@5.img');
  await rename(volume.disk, odd);
  await apply({ ...volume, disk: odd }, put("/etc/hosts", "new"));
  await rename(odd, volume.disk);
  expect(cat(volume, "/etc/hosts")).toBe("new");
});

for (const [name, options] of [
  ["ext2", ["-t", "ext2"]],
  ["ext3", ["-t", "ext3"]],
  ["ext4 with inline data and checksums", ["-O", "inline_data,metadata_csum"]],
  ["ext4 of 1 KiB blocks without checksums", ["-b", "1024", "-O", "^metadata_csum,^64bit"]],
] as const) {
  test(`${name} is changed and passes its checker`, async () => {
    const volume = await fresh(options);
    await apply(volume, line("/etc/app.conf", "server=", "server=new"), put("/a/b/c/d", "deep"));
    // debugfs shows what lies in an inode with zeros after its end.
    expect(cat(volume, "/etc/app.conf").replace(/\0+$/, "")).toBe("[app]\nserver=new\n");
    expect(stat(volume, "/etc/app.conf")).toMatch(/Size: 17$/m);
    expect(cat(volume, "/a/b/c/d").replace(/\0+$/, "")).toBe("deep");
    fsck(volume);
  });
}

test("folders with an index of thousands of names take new and replaced files", async () => {
  const many = Object.fromEntries(
    Array.from({ length: 3000 }, (_, index) => [`/many/a file called ${index}`, "x"]),
  );
  const volume = await makeExt(freshDisk(), { ...FILES, ...many }, ["-N", "4000", "-b", "1024"]);
  await apply(volume, put("/many/a file called 1500", "changed"), put("/many/another", "new"));
  expect(cat(volume, "/many/a file called 1500")).toBe("changed");
  expect(cat(volume, "/many/another")).toBe("new");
  fsck(volume);
});

test("links to folders are followed; a link in the file's place is refused", async () => {
  const volume = await fresh([], (staging) => {
    symlinkSync("etc", join(staging, "conf"));
    symlinkSync("/nowhere", join(staging, "dangling"));
    symlinkSync("hosts", join(staging, "etc/link"));
  });
  await apply(volume, put("/conf/new", "through"));
  expect(cat(volume, "/etc/new")).toBe("through");
  const before = await digestOf(volume);
  await expect(apply(volume, put("/etc/link", "x"))).rejects.toMatchObject({ code: "recipe-refused" });
  await expect(apply(volume, put("/dangling/x", "x"))).rejects.toMatchObject({ code: "recipe-refused" });
  await expect(apply(volume, put("/etc", "x"))).rejects.toMatchObject({ code: "recipe-refused" });
  await expect(apply(volume, put("/etc/hosts/x", "x"))).rejects.toMatchObject({ code: "recipe-refused" });
  expect(await digestOf(volume)).toBe(before);
  fsck(volume);
});

test("another name of a replaced file keeps the old content", async () => {
  const volume = await fresh([], (staging) =>
    linkSync(join(staging, "etc/hosts"), join(staging, "etc/other")),
  );
  await apply(volume, put("/etc/hosts", "new"));
  expect(cat(volume, "/etc/hosts")).toBe("new");
  expect(cat(volume, "/etc/other")).toBe(FILES["/etc/hosts"]);
  fsck(volume);
});

test("a draft that a crash left behind does not stop the next run", async () => {
  const volume = await fresh();
  writeFileSync(join(folder, "stray"), "stray");
  const address = addressOf(volume);
  writeFileSync(join(folder, "script"), `cd /etc\nwrite "${join(folder, "stray")}" .sheepfold-new\n`);
  tool("debugfs", "-w", "-f", join(folder, "script"), address);
  expect(debugfs(volume, "ls /etc")).toContain(".sheepfold-new");
  await apply(volume, put("/etc/hosts", "new"));
  expect(debugfs(volume, "ls /etc")).not.toContain("sheepfold");
  fsck(volume);
});

test("a full partition fails by name, keeps the old file and stays whole", async () => {
  const volume = await makeExt(freshDisk(), { ...FILES, "/fill": noise(5, 21 * 1024 * 1024) });
  const failing = put("/etc/hosts", noise(6, 262_144));
  const many = Array.from({ length: 12 }, (_, index) => put(`/filler-${index}`, noise(index, 262_144)));
  await expect(apply(volume, ...many, failing)).rejects.toMatchObject({
    code: "target-write-failed",
    message: expect.stringMatching(/^Recipe \d+ of 13 \(put-file, \/(filler|etc).*debugfs/),
  });
  expect(cat(volume, "/etc/hosts")).toBe(FILES["/etc/hosts"]);
  fsck(volume);
});

test("a partition without a system gets no host name", async () => {
  const volume = await makeExt(freshDisk(), { "/home/a/letter.txt": "x" });
  const before = await digestOf(volume);
  await expect(apply(volume, hostName("lab"))).rejects.toMatchObject({ code: "recipe-refused" });
  expect(await digestOf(volume)).toBe(before);
});

test("a file that is missing is no file to set a line in, and the recipe and its file are named", async () => {
  const volume = await fresh();
  await expect(
    apply(volume, line("/etc/app.conf", "a", "b"), line("/etc/none.conf", "a", "b")),
  ).rejects.toMatchObject({
    code: "recipe-refused",
    message: "Recipe 2 of 2 (set-line, /etc/none.conf of p1): There is no /etc/none.conf.",
    facts: { recipe: 1, partition: "p1", file: "/etc/none.conf" },
  });
  fsck(volume);
});

test("what the checker complains of is a failure, not a success", async () => {
  const volume = await fresh();
  // A wrong count of links: debugfs does not mind, e2fsck does.
  tool("debugfs", "-w", "-R", "sif /etc/app.conf links_count 7", addressOf(volume));
  await expect(apply(volume, put("/new", "x"))).rejects.toMatchObject({
    code: "target-write-failed",
    message: expect.stringContaining("e2fsck failed checking the partition"),
  });
});

test("partitions of other kinds are refused by what they are, before anything is written", async () => {
  const SIGNS: readonly [string, number, string | Buffer][] = [
    ["LUKS", 0, Buffer.from("4c554b53babe", "hex")],
    ["BitLocker", 3, "-FVE-FS-"],
    ["btrfs", 0x10040, "_BHRfS_M"],
    ["XFS", 0, "XFSB"],
    ["exFAT", 3, "EXFAT   "],
    ["nothing that is known", 0, "random bytes"],
  ];
  for (const [name, at, mark] of SIGNS) {
    const volume = await makeDisk(freshDisk(), 8 * 1024 * 1024);
    const device = await openFileDevice(volume.disk, "write");
    await device.write(volume.offsetBytes + at, Buffer.from(mark));
    await device.close();
    await expect(apply(volume, put("/x", "x"))).rejects.toMatchObject({
      code: "recipe-refused",
      message: expect.stringContaining(name),
      hint: expect.stringContaining("ext2/3/4, FAT and NTFS"),
    });
  }
});

test("an ext4 whose journal holds changes is refused", async () => {
  const volume = await fresh();
  tool("debugfs", "-w", "-R", "feature needs_recovery", addressOf(volume));
  const before = await digestOf(volume);
  await expect(apply(volume, put("/x", "x"))).rejects.toMatchObject({
    code: "recipe-refused",
    message: expect.stringContaining("journal"),
  });
  expect(await digestOf(volume)).toBe(before);
});

test("a refusal of the last partition comes before the first byte of the first", async () => {
  const volume = await fresh();
  const before = await digestOf(volume);
  const wrong = { ...put("/x", "x"), partition: "p9" };
  await expect(apply(volume, put("/x", "x"), wrong)).rejects.toMatchObject({ code: "target-missing" });
  expect(await digestOf(volume)).toBe(before);
});

test("recipes that were never parsed are parsed before they reach a program", async () => {
  const volume = await fresh();
  const before = await digestOf(volume);
  const run = {
    diskPath: volume.disk,
    isFile: true,
    partitions: [{ name: "p1", offsetBytes: volume.offsetBytes, sizeBytes: volume.sizeBytes }],
    signal: new AbortController().signal,
  };
  for (const path of ['/a"\nrm "/etc/hosts', "/etc/../etc/hosts"]) {
    const recipe = { kind: "put-file", partition: "p1", path, content: "x", encoding: "text" } as const;
    await expect(runRecipes({ ...run, recipes: [recipe] })).rejects.toMatchObject({ code: "input-invalid" });
  }
  expect(await digestOf(volume)).toBe(before);
});

test("a cancelled run stops before its next recipe, with the reason it was given", async () => {
  const volume = await fresh();
  const cancel = new AbortController();
  const reason = new Error("cancelled");
  cancel.abort(reason);
  await expect(
    runRecipes({
      diskPath: volume.disk,
      isFile: true,
      partitions: [{ name: "p1", offsetBytes: volume.offsetBytes, sizeBytes: volume.sizeBytes }],
      recipes: [{ kind: "put-file", partition: "p1", path: "/x", content: "x", encoding: "text" }],
      signal: cancel.signal,
    }),
  ).rejects.toBe(reason);
  fsck(volume);
});

test("programs that are missing are named with their package, before anything is written", async () => {
  const volume = await fresh();
  const before = await digestOf(volume);
  const path = process.env.PATH;
  process.env.PATH = join(folder, "no programs here");
  try {
    await expect(apply(volume, put("/x", "x"))).rejects.toMatchObject({
      code: "environment-invalid",
      message: expect.stringContaining("debugfs"),
      hint: expect.stringContaining("e2fsprogs"),
    });
  } finally {
    process.env.PATH = path;
  }
  expect(await digestOf(volume)).toBe(before);
});

test("nothing is left in the temporary folder, after success and after failure", async () => {
  const volume = await fresh();
  const previous = process.env.TMPDIR;
  process.env.TMPDIR = join(folder, "tmp");
  tool("mkdir", "-p", process.env.TMPDIR);
  try {
    await apply(volume, put("/x", "x"));
    await apply(volume, line("/none", "a", "b")).catch(() => undefined);
    expect(await readdir(process.env.TMPDIR)).toEqual([]);
  } finally {
    if (previous === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = previous;
  }
});
