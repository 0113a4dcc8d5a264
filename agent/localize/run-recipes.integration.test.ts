// Recipes on real FAT and NTFS partitions, in registry hives and on block devices: needs root and loop devices. What was written is read
// back by mtools, ntfscat and hivexsh, and judged by fsck.fat and ntfsfix.
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { RecipeMessage } from "#lib/protocol/recipe.ts";
import { noise } from "../test-disk.ts";
import { runRecipes } from "./run-recipes.ts";
import { askHive, filledHive } from "./test-hive.ts";
import {
  apply,
  cutOut,
  makeExt,
  makeFat,
  makeNtfs,
  OFFSET_BYTES,
  type TestVolume,
  tool,
} from "./test-volumes.ts";

let folder: string;
let made = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sheepfold-recipes-root-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
// Every way out must give its loop device back.
afterEach(() => {
  expect(tool("losetup", "--list", "--noheadings", "--output", "BACK-FILE").toString()).not.toContain(folder);
});

const freshDisk = () => join(folder, `disk-${made++}.img`);
const digest = async ({ disk }: TestVolume) =>
  createHash("sha256")
    .update(await readFile(disk))
    .digest("hex");
const put = (path: string, content: string, more: object = {}) => ({
  kind: "put-file",
  partition: "p1",
  path,
  content,
  ...more,
});
const line = (path: string, match: string, text: string) => ({
  kind: "set-line",
  partition: "p1",
  path,
  match,
  line: text,
});

describe("FAT", () => {
  const FILES = { "/EFI/boot/grub.cfg": "set timeout=5\r\nset x=1\r\n", "/A long name.txt": "old" };
  const cat = (volume: TestVolume, path: string) =>
    tool("mtype", "-i", `${volume.disk}@@${OFFSET_BYTES}`, `::${path}`).toString();
  const fsck = (volume: TestVolume) => tool("fsck.fat", "-n", cutOut(volume));

  for (const bits of [12, 16, 32] as const) {
    test(`FAT${bits}: files are put, lines set, folders made, and fsck.fat finds nothing`, async () => {
      const volume = await makeFat(freshDisk(), FILES, bits);
      const results = await apply(
        volume,
        put("/Lab/Größe of 日本/seat number.txt", "7", { mode: 0o600 }),
        line("/EFI/boot/grub.cfg", "set timeout", "set timeout=0"),
        put("/A long name.txt", noise(1, 100_000).toString("base64"), { encoding: "base64" }),
        put("/A long name.txt", noise(1, 100_000).toString("base64"), { encoding: "base64" }),
      );
      expect(results.map(({ changed }) => changed)).toEqual([true, true, true, false]);
      expect(results[0]?.words).toContain("FAT keeps no mode");
      expect(cat(volume, "/Lab/Größe of 日本/seat number.txt")).toBe("7");
      expect(cat(volume, "/EFI/boot/grub.cfg")).toBe("set timeout=0\r\nset x=1\r\n");
      const out = join(folder, "out");
      tool("mcopy", "-n", "-i", `${volume.disk}@@${OFFSET_BYTES}`, "::/A long name.txt", out);
      expect(await readFile(out)).toEqual(noise(1, 100_000));
      expect(
        tool("mdir", "-a", "-b", "-/", "-i", `${volume.disk}@@${OFFSET_BYTES}`, "::/").toString(),
      ).not.toContain("sheepfold");
      fsck(volume);
    });
  }

  test("attributes stay, and what is read-only is replaced without a question", async () => {
    const volume = await makeFat(freshDisk(), FILES);
    const address = `${volume.disk}@@${OFFSET_BYTES}`;
    tool("mattrib", "-i", address, "+r", "+h", "+s", "::/A long name.txt");
    await apply(volume, put("/A long name.txt", "new"));
    expect(tool("mattrib", "-X", "-i", address, "::/A long name.txt").toString().trim()).toMatch(/^A?SHR$/);
    expect(cat(volume, "/A long name.txt")).toBe("new");
    fsck(volume);
  });

  test("refused: a missing file, a folder as file, a file as folder, a host name, a volume in use", async () => {
    const volume = await makeFat(freshDisk(), FILES);
    const before = await digest(volume);
    for (const recipe of [
      line("/none.txt", "a", "b"),
      put("/EFI", "x"),
      put("/A long name.txt/x", "x"),
      { kind: "set-host-name", partition: "p1", hostName: "lab" },
    ]) {
      await expect(apply(volume, recipe)).rejects.toMatchObject({ code: "recipe-refused" });
    }
    expect(await digest(volume)).toBe(before);
    const bytes = await readFile(volume.disk);
    bytes.writeUInt8(1, OFFSET_BYTES + 65); // FAT32's mark of a volume that is mounted.
    await writeFile(volume.disk, bytes);
    await expect(apply(volume, put("/x", "x"))).rejects.toMatchObject({
      code: "recipe-refused",
      message: expect.stringContaining("not left clean"),
    });
  });

  test("a full volume fails, keeps the old file and stays whole", async () => {
    const volume = await makeFat(freshDisk(), FILES, 12);
    const recipes = Array.from({ length: 20 }, (_, index) =>
      put(`/f${index}`, noise(index, 262_144).toString("base64"), { encoding: "base64" }),
    );
    await expect(apply(volume, ...recipes)).rejects.toMatchObject({ code: "target-write-failed" });
    expect(cat(volume, "/A long name.txt")).toBe("old");
    fsck(volume);
  });
});

describe("NTFS", () => {
  const SYSTEM = "/Windows/System32/config/SYSTEM";
  const SOFTWARE = "/Windows/System32/config/SOFTWARE";
  const MULTI = "hex:7:61000000620000000000";
  const systemHive = () =>
    filledHive(
      ...["add Select", "cd Select", "setval 2", "Current", "dword:2", "Default", "dword:2", "cd \\"],
      ...["add ControlSet001", "add ControlSet002", "cd ControlSet002", "add Control", "cd Control"],
      ...["add ComputerName", "cd ComputerName", "add ComputerName", "cd ComputerName"],
      ...["setval 2", "@", "string:mnmsrvc", "ComputerName", "string:MASTER"],
      ...[
        "cd \\ControlSet002",
        "add Services",
        "cd Services",
        "add Tcpip",
        "cd Tcpip",
        "add Parameters",
        "cd Parameters",
      ],
      ...["setval 4", "Hostname", "string:master", "NV Hostname", "string:master"],
      ...["DataBasePath", "expandstring:%SystemRoot%\\drivers", "SearchList", MULTI],
    );
  const softwareHive = () =>
    filledHive(
      ...["add Vendor", "cd Vendor", "setval 4", "Text", "string:old", "Number", "dword:1", "List", MULTI],
      ...["Größe", "hex:3:00ff10"],
    );
  const filesWith = (more: Readonly<Record<string, string | Buffer>> = {}) => ({
    "/Windows/System32/drivers/etc/hosts": "127.0.0.1 localhost\r\n",
    "/ProgramData/Lab/seat.ini": "[lab]\r\nseat=0\r\n",
    ...more,
  });
  const cat = (volume: TestVolume, path: string) => tool("ntfscat", "-f", cutOut(volume), path);
  const ntfsfix = (volume: TestVolume) => tool("ntfsfix", "-n", cutOut(volume));
  const registry = (more: object) => ({
    kind: "set-registry-value",
    partition: "p1",
    hive: "Windows/System32/config/SOFTWARE",
    key: "Vendor",
    name: "Text",
    type: "sz",
    value: "new",
    ...more,
  });

  test("files are put and lines set, in whatever case the path is spelled, and ntfsfix finds nothing", async () => {
    const volume = await makeNtfs(freshDisk(), filesWith());
    const results = await apply(
      volume,
      put("/ProgramData/Lab/Größe 日本.bin", noise(1, 150_000).toString("base64"), { encoding: "base64" }),
      line("/programdata/LAB/SEAT.INI", "seat=", "seat=7"),
      line("/windows/system32/drivers/ETC/Hosts", "10.0.0.2", "10.0.0.2 server"),
      put("/ProgramData/Lab/seat.ini", "[lab]\r\nseat=7\r\n"),
    );
    expect(results.map(({ changed }) => changed)).toEqual([true, true, true, false]);
    expect(cat(volume, "/ProgramData/Lab/Größe 日本.bin")).toEqual(noise(1, 150_000));
    expect(cat(volume, "/ProgramData/Lab/seat.ini").toString()).toBe("[lab]\r\nseat=7\r\n");
    expect(cat(volume, "/Windows/System32/drivers/etc/hosts").toString()).toBe(
      "127.0.0.1 localhost\r\n10.0.0.2 server\r\n",
    );
    const listed = tool("ntfsls", "-f", "-a", "-p", "/ProgramData/Lab", cutOut(volume)).toString();
    expect(listed.match(/seat\.ini/gi)).toHaveLength(1);
    ntfsfix(volume);
  });

  test("a file becomes longer and shorter, and empty", async () => {
    const volume = await makeNtfs(freshDisk(), filesWith());
    const path = "/ProgramData/Lab/seat.ini";
    for (const length of [200_000, 10, 0, 5000]) {
      await apply(volume, put(path, noise(length, length).toString("base64"), { encoding: "base64" }));
      expect(cat(volume, path)).toEqual(noise(length, length));
    }
    ntfsfix(volume);
  });

  test("registry values are set, new keys made, and every other value of the key stays", async () => {
    const volume = await makeNtfs(freshDisk(), filesWith({ [SOFTWARE]: softwareHive() }));
    const recipes = [
      registry({}),
      registry({ name: "Fresh ü", value: 'Ünï \\ "quoted" 日本' }),
      registry({ key: "vendor", name: "NUMBER", type: "dword", value: 0xfedc_ba98 }),
      registry({ key: "Policies\\Lab Room\\Seat", name: "@", value: "" }),
    ];
    expect((await apply(volume, ...recipes)).map(({ changed }) => changed)).toEqual([true, true, true, true]);
    const hive = cat(volume, SOFTWARE);
    const vendor = askHive(hive, "cd \\Vendor", "lsval");
    expect(vendor.split("\n").sort()).toEqual(
      [
        "",
        '"Text"="new"',
        '"Number"=dword:fedcba98',
        '"List"=hex(7):61,00,00,00,62,00,00,00,00,00',
        '"Größe"=hex(3):00,ff,10',
        '"Fresh ü"="Ünï \\\\ \\"quoted\\" 日本"',
      ].sort(),
    );
    expect(askHive(hive, "cd \\Policies\\Lab Room\\Seat", "lsval")).toBe('"@"=""\n');
    ntfsfix(volume);
    const before = await digest(volume);
    expect((await apply(volume, ...recipes)).map(({ changed }) => changed)).toEqual([
      false,
      false,
      false,
      false,
    ]);
    expect(await digest(volume)).toBe(before);
  });

  test("Windows gets its name in the control set it will start with", async () => {
    const volume = await makeNtfs(freshDisk(), filesWith({ [SYSTEM]: systemHive() }));
    const recipe = { kind: "set-host-name", partition: "p1", hostName: "Lab-A-01" };
    expect(await apply(volume, recipe)).toEqual([
      { recipe: 0, changed: true, words: "Windows is called Lab-A-01." },
    ]);
    const hive = cat(volume, SYSTEM);
    const names = askHive(hive, "cd \\ControlSet002\\Control\\ComputerName\\ComputerName", "lsval");
    expect(names.split("\n").sort()).toEqual(["", '"@"="mnmsrvc"', '"ComputerName"="LAB-A-01"']);
    const parameters = askHive(hive, "cd \\ControlSet002\\Services\\Tcpip\\Parameters", "lsval");
    expect(parameters).toContain('"Hostname"="Lab-A-01"\n');
    expect(parameters).toContain('"NV Hostname"="Lab-A-01"\n');
    expect(parameters).toContain('"DataBasePath"=str(2):"%SystemRoot%\\\\drivers"\n');
    expect(parameters).toContain('"SearchList"=hex(7):61,00,00,00,62,00,00,00,00,00\n');
    expect(askHive(hive, "cd \\ControlSet001", "ls")).toBe("");
    expect(await apply(volume, recipe)).toMatchObject([{ changed: false }]);
    ntfsfix(volume);
  });

  test("refused before anything is written: names Windows cannot have", async () => {
    const volume = await makeNtfs(freshDisk(), filesWith({ [SYSTEM]: systemHive() }));
    const before = await digest(volume);
    for (const hostName of ["a-name-of-16-let", "12345"]) {
      await expect(
        apply(volume, put("/ProgramData/x", "x"), { kind: "set-host-name", partition: "p1", hostName }),
      ).rejects.toMatchObject({
        code: "recipe-refused",
        message: expect.stringContaining("Recipe 2 of 2"),
      });
    }
    expect(await digest(volume)).toBe(before);
  });

  test("refused: a hive with unwritten changes, a damaged one, none, and what hivexsh cannot be told", async () => {
    const dirty = softwareHive();
    dirty.writeUInt32LE(dirty.readUInt32LE(4) + 1, 4);
    const damaged = softwareHive();
    damaged.writeUInt8(damaged.readUInt8(0x60) ^ 1, 0x60);
    const long = filledHive("add Vendor", "cd Vendor", "setval 1", "Long", `hex:3:${"ab".repeat(4000)}`);
    const longer = Buffer.concat([long]);
    const volume = await makeNtfs(
      freshDisk(),
      filesWith({ "/dirty": dirty, "/damaged": damaged, "/text": "no hive", "/long": longer }),
    );
    const before = await digest(volume);
    const CASES = [
      ["/dirty", "not written to its end"],
      ["/damaged", "damaged"],
      ["/text", "no registry hive"],
      ["/none", "There is no /none"],
    ] as const;
    for (const [hive, message] of CASES) {
      await expect(apply(volume, registry({ hive }))).rejects.toMatchObject({
        code: "recipe-refused",
        message: expect.stringContaining(message),
      });
    }
    expect(await digest(volume)).toBe(before);
    // Beside a value of 4000 bytes another is set; hivexsh's lines reach just so far.
    expect(await apply(volume, registry({ hive: "/long" }))).toMatchObject([{ changed: true }]);
    expect(askHive(cat(volume, "/long"), "cd \\Vendor", "lsval")).toContain('"Text"="new"');
  });

  test("refused: NTFS's own files, missing folders, folders as files", async () => {
    const volume = await makeNtfs(freshDisk(), filesWith());
    const before = await digest(volume);
    for (const path of [
      "/$MFT",
      "/$Extend/$UsnJrnl",
      "/ProgramData",
      "/None/x",
      "/ProgramData/Lab/seat.ini/x",
    ]) {
      await expect(apply(volume, put(path, "x")), path).rejects.toMatchObject({ code: "recipe-refused" });
    }
    await expect(apply(volume, line("/none.ini", "a", "b"))).rejects.toMatchObject({
      code: "recipe-refused",
    });
    expect(await digest(volume)).toBe(before);
  });

  test("refused: a hibernated Windows", async () => {
    const hibernated = Buffer.alloc(8192);
    hibernated.write("hibr");
    const volume = await makeNtfs(freshDisk(), filesWith({ "/hiberfil.sys": hibernated }));
    const before = await digest(volume);
    await expect(apply(volume, put("/ProgramData/x", "x"))).rejects.toMatchObject({
      code: "recipe-refused",
      message: expect.stringContaining("hibernated"),
      hint: expect.stringContaining("shutdown /s /t 0"),
    });
    expect(await digest(volume)).toBe(before);
  });

  test("refused: a volume that Windows wants to check", async () => {
    const volume = await makeNtfs(freshDisk(), filesWith());
    const part = cutOut(volume);
    tool("ntfsfix", part); // Marks the volume for Windows' own check.
    tool(
      "dd",
      `if=${part}`,
      `of=${volume.disk}`,
      "bs=1M",
      `seek=${OFFSET_BYTES / 1024 / 1024}`,
      "conv=notrunc",
      "status=none",
    );
    await expect(apply(volume, put("/ProgramData/x", "x"))).rejects.toMatchObject({
      code: "recipe-refused",
      message: expect.stringContaining("not left clean"),
    });
  });

  test("a full volume fails and gives a file that was there its old content back", async () => {
    const volume = await makeNtfs(freshDisk(), filesWith());
    const filler = Array.from({ length: 63 }, (_, index) =>
      put(`/fill-${index}`, noise(index, 262_144).toString("base64"), { encoding: "base64" }),
    );
    await expect(
      (async () => {
        for (let round = 0; round < 3; round += 1) {
          const renamed = filler.map((recipe) => ({ ...recipe, path: `${recipe.path}-${round}` }));
          await apply(volume, ...renamed);
        }
      })(),
    ).rejects.toMatchObject({ code: "target-write-failed" });
    const path = "/ProgramData/Lab/seat.ini";
    await expect(
      apply(volume, put(path, noise(1, 262_144).toString("base64"), { encoding: "base64" })),
    ).rejects.toMatchObject({
      code: "target-write-failed",
      message: expect.stringContaining("The old content is put back"),
    });
    expect(cat(volume, path).toString()).toBe("[lab]\r\nseat=0\r\n");
  });
});

test("a real disk's partition is found by its place, changed through its own node, and refused while mounted", async () => {
  const volume = await makeExt(freshDisk(), { "/etc/hostname": "master\n" });
  const loop = tool("losetup", "--partscan", "--find", "--show", volume.disk).toString().trim();
  try {
    const run = (more: object = {}) =>
      runRecipes({
        diskPath: loop,
        isFile: false,
        partitions: [{ name: "p1", offsetBytes: OFFSET_BYTES, sizeBytes: volume.sizeBytes, ...more }],
        recipes: [RecipeMessage.parse({ kind: "set-host-name", partition: "p1", hostName: "lab-a-01" })],
        signal: new AbortController().signal,
      });
    await expect(run({ sizeBytes: volume.sizeBytes - 4096 })).rejects.toMatchObject({
      code: "target-missing",
    });
    expect(await run()).toMatchObject([{ changed: true }]);
    expect(tool("debugfs", "-R", "cat /etc/hostname", `${loop}p1`).toString()).toBe("lab-a-01\n");
    const mountPoint = join(folder, "mounted");
    tool("mkdir", mountPoint);
    tool("mount", `${loop}p1`, mountPoint);
    try {
      await expect(run()).rejects.toMatchObject({ code: "target-mounted" });
    } finally {
      tool("umount", mountPoint);
    }
  } finally {
    tool("losetup", "--detach", loop);
  }
});
