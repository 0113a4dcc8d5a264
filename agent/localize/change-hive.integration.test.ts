// hivexsh as judge of the hives our tests build, and as the writer whose work is checked: it must read what we read, and leave alone what
// was not asked for. Needs libhivex-bin.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { noise } from "../test-disk.ts";
import { changeHive, dwordValue, textValue } from "./change-hive.ts";
import { Hive } from "./hive.ts";
import { askHive, hiveOf, type TestKey } from "./test-hive.ts";
import { toolRunner } from "./tools.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sheepfold-change-hive-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const change = (bytes: Buffer, ...changes: Parameters<typeof changeHive>[3]) =>
  changeHive({ folder, run: toolRunner(folder) }, "/SYSTEM", bytes, changes);
const services = (list: TestKey["list"]): TestKey => ({
  name: "Services",
  list,
  keys: Array.from({ length: 300 }, (_, index) => ({
    name: `Service ${String(index).padStart(3, "0")}`,
    values: [{ name: "Start", type: 4, data: Buffer.from([index % 5, 0, 0, 0]) }],
  })),
});

for (const list of ["lh", "lf", "li", "ri"] as const) {
  test(`in a list of kind ${list} hivexsh finds the same keys, changes one and adds another, and all others stay`, async () => {
    const before = hiveOf({ keys: [services(list)] });
    expect(askHive(before, "cd \\Services", "ls").trim().split("\n")).toHaveLength(300);
    const after = await change(
      before,
      { key: ["Services", "Service 123"], value: dwordValue("Start", 4) },
      { key: ["Services", "Service 150a"], value: textValue("Image", "x.sys") },
    );
    const hive = new Hive(after, "/SYSTEM");
    for (let index = 0; index < 300; index += 1) {
      const { key } = hive.find(["Services", `Service ${String(index).padStart(3, "0")}`]);
      expect(key === null ? null : hive.values(key)).toEqual([
        dwordValue("Start", index === 123 ? 4 : index % 5),
      ]);
    }
    expect(askHive(after, "cd \\Services\\Service 150a", "lsval")).toBe('"Image"="x.sys"\n');
  });
}

test("values of every type and length up to 4000 bytes survive a change beside them, byte by byte", async () => {
  const values = Array.from({ length: 40 }, (_, index) => ({
    name: `Value ${index} ÄÖ`,
    type: index % 12,
    data: noise(index, [0, 1, 2, 3, 4, 5, 8, 100, 1000, 4000][index % 10] ?? 0),
  }));
  const before = hiveOf({ keys: [{ name: "Vendor", values }] });
  const after = await change(before, { key: ["Vendor"], value: textValue("New", "1") });
  const hive = new Hive(after, "/SOFTWARE");
  const { key } = hive.find(["Vendor"]);
  const read = key === null ? [] : hive.values(key);
  expect(read).toHaveLength(41);
  for (const value of [...values, textValue("New", "1")]) expect(read).toContainEqual(value);
});

test("nothing is run for what is so already, and the hive's other names are not spelled anew", async () => {
  const before = hiveOf({ keys: [{ name: "Vendor", values: [textValue("NAME", "x")] }] });
  expect(await change(before, { key: ["VENDOR"], value: textValue("name", "x") })).toBe(before);
  const after = await change(before, { key: ["vendor"], value: textValue("name", "y") });
  expect(askHive(after, "cd \\Vendor", "lsval")).toBe('"NAME"="y"\n');
});

test("hivexsh's history stays in the workspace", async () => {
  await change(hiveOf(), { key: ["A"], value: dwordValue("b", 1) });
  expect(await readFile(join(folder, ".hivexsh"), "utf8").catch(() => "")).toBe("");
});
