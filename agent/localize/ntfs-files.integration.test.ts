// Recipes on real NTFS partitions, read back by ntfscat and judged by ntfsfix; registry hives are filled and asked by hivexsh. Needs
// root, loop devices and FUSE.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { noise } from "../test-disk.ts";
import { askHive, filledHive, hiveOf } from "./test-hive.ts";
import {
  apply,
  copyInto,
  cutOut,
  digestOf,
  hostName,
  line,
  loopDevicesOf,
  makeNtfs,
  put,
  type TestVolume,
  tool,
} from "./test-volumes.ts";

let folder: string;
let made = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sheepfold-ntfs-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(() => expect(loopDevicesOf(folder)).toEqual([]));

const freshDisk = () => join(folder, `disk-${made++}.img`);
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
    put("/ProgramData/Lab/Größe 日本.bin", noise(1, 150_000)),
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
    await apply(volume, put(path, noise(length, length)));
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
  const before = await digestOf(volume);
  expect((await apply(volume, ...recipes)).map(({ changed }) => changed)).toEqual([
    false,
    false,
    false,
    false,
  ]);
  expect(await digestOf(volume)).toBe(before);
});

test("Windows gets its name in the control set it will start with", async () => {
  const volume = await makeNtfs(freshDisk(), filesWith({ [SYSTEM]: systemHive() }));
  const recipe = hostName("Lab-A-01");
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
  const before = await digestOf(volume);
  for (const hostName of ["a-name-of-16-let", "12345"]) {
    await expect(
      apply(volume, put("/ProgramData/x", "x"), { kind: "set-host-name", partition: "p1", hostName }),
    ).rejects.toMatchObject({
      code: "recipe-refused",
      message: expect.stringContaining("Recipe 2 of 2"),
    });
  }
  expect(await digestOf(volume)).toBe(before);
});

test("refused: a hive with unwritten changes, a damaged one, none, and what hivexsh cannot be told", async () => {
  const dirty = softwareHive();
  dirty.writeUInt32LE(dirty.readUInt32LE(4) + 1, 4);
  const damaged = softwareHive();
  damaged.writeUInt8(damaged.readUInt8(0x60) ^ 1, 0x60);
  const at = { name: "@", type: 3, data: Buffer.alloc(8) };
  const long = { name: "Long", type: 3, data: noise(1, 4000) };
  const volume = await makeNtfs(
    freshDisk(),
    filesWith({
      "/dirty": dirty,
      "/damaged": damaged,
      "/text": "no hive",
      "/at": hiveOf({ keys: [{ name: "Vendor", values: [at] }] }),
      "/long": hiveOf({ keys: [{ name: "Vendor", values: [long] }] }),
      "/longer": hiveOf({ keys: [{ name: "Vendor", values: [{ ...long, data: noise(1, 20_000) }] }] }),
    }),
  );
  const before = await digestOf(volume);
  const CASES = [
    ["/dirty", "not written to its end"],
    ["/damaged", "damaged"],
    ["/text", "no registry hive"],
    ["/none", "There is no /none"],
    ["/at", 'a value is named "@"'],
    ["/longer", "longer than 4 KiB"],
  ] as const;
  for (const [hive, message] of CASES) {
    await expect(apply(volume, registry({ hive }))).rejects.toMatchObject({
      code: "recipe-refused",
      message: expect.stringContaining(message),
    });
  }
  expect(await digestOf(volume)).toBe(before);
  // hivexsh's lines reach just so far.
  expect(await apply(volume, registry({ hive: "/long" }))).toMatchObject([{ changed: true }]);
  const vendor = askHive(cat(volume, "/long"), "cd \\Vendor", "lsval");
  expect(vendor).toContain('"Text"="new"');
  expect(vendor).toContain(
    `"Long"=hex(3):${[...noise(1, 4000)].map((byte) => byte.toString(16).padStart(2, "0")).join()}`,
  );
});

test("refused: NTFS's own files, missing folders, folders as files", async () => {
  const volume = await makeNtfs(freshDisk(), filesWith());
  const before = await digestOf(volume);
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
  expect(await digestOf(volume)).toBe(before);
});

test("refused: a hibernated Windows", async () => {
  const hibernated = Buffer.alloc(8192);
  hibernated.write("hibr");
  const volume = await makeNtfs(freshDisk(), filesWith({ "/hiberfil.sys": hibernated }));
  const before = await digestOf(volume);
  await expect(apply(volume, put("/ProgramData/x", "x"))).rejects.toMatchObject({
    code: "recipe-refused",
    message: expect.stringContaining("hibernated"),
    hint: expect.stringContaining("shutdown /s /t 0"),
  });
  expect(await digestOf(volume)).toBe(before);
});

test("refused: a volume that Windows wants to check", async () => {
  const volume = await makeNtfs(freshDisk(), filesWith());
  const part = cutOut(volume);
  tool("ntfsfix", part); // Marks the volume for Windows' own check.
  copyInto(volume, part);
  await expect(apply(volume, put("/ProgramData/x", "x"))).rejects.toMatchObject({
    code: "recipe-refused",
    message: expect.stringContaining("not left clean: Windows wants to check it"),
  });
});

test("a full volume fails and gives a file that was there its old content back", async () => {
  const volume = await makeNtfs(freshDisk(), filesWith({ "/fill": noise(1, 18 * 1024 * 1024) }));
  const fillers = Array.from({ length: 24 }, (_, index) => put(`/fill-${index}`, noise(index, 262_144)));
  await expect(apply(volume, ...fillers)).rejects.toMatchObject({ code: "target-write-failed" });
  const path = "/ProgramData/Lab/seat.ini";
  await expect(apply(volume, put(path, noise(1, 262_144)))).rejects.toMatchObject({
    code: "target-write-failed",
    message: expect.stringContaining("The old content is put back"),
  });
  expect(cat(volume, path).toString()).toBe("[lab]\r\nseat=0\r\n");
  ntfsfix(volume);
});
