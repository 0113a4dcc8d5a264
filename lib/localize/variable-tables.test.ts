// Tables in and out, and which identity files a PC finds: decided without a database.
import { describe, expect, test } from "vitest";
import type { Variable, VariableName } from "#lib/model/localization.ts";
import { exportTable } from "./export-table.ts";
import { identityFilesFor } from "./identity-choice.ts";
import { decideImport, TABLE_ROWS_MAX } from "./import-table.ts";
import { namedDuplicates, resolveAll } from "./resolve-all.ts";

const name = (text: string, more: Partial<VariableName> = {}): VariableName => ({
  ...{ name: text, isSecret: false, isUnique: false, note: "" },
  ...more,
});
const NAMES = [
  name("host_name", { isUnique: true }),
  name("printer"),
  name("licence", { isSecret: true, isUnique: true }),
];
const NODES = ["pc1", "pc2", "=pc3"].map((each) => ({
  nodeId: `node_${each}`,
  name: each,
  groupId: "group_a",
}));
const read = (text: string, emptyCells: "keep" | "clear" = "keep") =>
  decideImport(text, NAMES, NODES, emptyCells);
const wordsOf = ({ wishes }: ReturnType<typeof read>) =>
  wishes.map(({ scopeId, name: variable, value }) => `${scopeId} ${variable} ${value}`);

describe("an import", () => {
  test("wishes for what stands in the cells, whatever the columns' order", () => {
    expect(wordsOf(read("pc,printer,host_name\npc1,hall,LAB-1\npc2,,LAB-2\n"))).toEqual([
      "node_pc1 printer hall",
      "node_pc1 host_name LAB-1",
      "node_pc2 host_name LAB-2",
    ]);
  });
  test("leaves empty cells as they are, or takes values away when that was asked", () => {
    expect(wordsOf(read("pc,printer\npc1,\n"))).toEqual([]);
    expect(wordsOf(read("pc,printer\npc1,\n", "clear"))).toEqual(["node_pc1 printer null"]);
    expect(wordsOf(read("pc,printer\npc1\n", "clear"))).toEqual(["node_pc1 printer null"]);
  });
  test("takes no notice of empty columns and rows that spreadsheets leave behind", () => {
    const { problems, wishes } = read("pc;host_name;;\npc1;LAB-1;;\n;;;\n");
    expect([problems, wishes.length]).toEqual([[], 1]);
  });

  const PROBLEMS: readonly [string, string, string[]][] = [
    ["a PC that is not there", "pc,printer\npc1,a\nPC2,b\n", ['3: There is no PC "PC2".']],
    ["a variable that is not there", "pc,Printer\npc1,a\n", ['1: There is no variable "Printer".']],
    ["a column twice", "pc,printer,printer\npc1,a,b\n", ["1: The column printer stands there twice."]],
    ["a nameless column amid others", "pc,,printer\npc1,a,b\n", ['1: There is no variable "".']],
    ["a PC twice", "pc,printer\npc1,a\npc2,b\npc1,c\n", ["4: pc1 stands in line 2 already."]],
    ["cells beyond the head", "pc,printer\npc1,a,b\n", ["2: It has more cells than the head has columns."]],
    [
      "a value that cannot be stored",
      "pc,printer\npc1,\u001b[31m\n",
      ["2: The value of printer cannot be stored."],
    ],
    [
      "a value that is too long",
      `pc,printer\npc1,${"x".repeat(5000)}\n`,
      ["2: The value of printer cannot be stored."],
    ],
    ["values without a PC", "pc,printer\n,a\n", ['2: There is no PC "".']],
  ];
  for (const [what, text, expected] of PROBLEMS) {
    test(`names ${what} with its line`, () => {
      expect(read(text).problems.map(({ line, words }) => `${line}: ${words}`)).toEqual(expected);
    });
  }
  test("tells everything at once, in the order of its lines, but no more than a person reads", () => {
    const lines = Array.from({ length: 500 }, (_, index) => `nobody${index},x`);
    const { problems } = read(`pc,nothing\n${lines.join("\n")}\n`);
    expect(problems).toHaveLength(101);
    expect(problems[0]?.line).toBe(1);
    expect(problems.at(-1)?.words).toMatch(/^And \d+ more/);
  });
  test("never says a secret's value", () => {
    const { problems } = read("pc,licence\nnobody,HUSH-1\npc1,HUSH-\u0001\n");
    expect(JSON.stringify(problems)).not.toContain("HUSH");
  });
  test("is refused when it is no table, or larger than any school's", () => {
    for (const text of [
      "",
      "pc\npc1\n",
      "just words",
      "\0\0\0",
      `pc,printer\n${"x,\n".repeat(TABLE_ROWS_MAX + 1)}`,
    ])
      expect(() => read(text)).toThrow(expect.objectContaining({ code: "input-invalid" }));
  });
});

describe("an export", () => {
  const value = (variable: string, node: string, text: string | null): Variable => ({
    ...{ name: variable, scope: "node", scopeId: `node_${node}`, value: text },
    sealed: text === null ? "v1.sealed" : null,
  });
  const VALUES: readonly Variable[] = [
    value("host_name", "pc1", "=HYPERLINK(1)"),
    value("printer", "pc1", 'two\nlines, "quoted"'),
    value("host_name", "pc2", "'=quoted"),
    value("printer", "=pc3", "-5"),
    value("licence", "pc1", null),
    { ...value("printer", "", "hall"), scope: "global", scopeId: "" },
  ];
  const exported = exportTable(NAMES, VALUES, NODES);

  test("is read back unchanged, and nothing in it is run by a spreadsheet", () => {
    expect(wordsOf(read(exported.text))).toEqual([
      "node_pc1 host_name =HYPERLINK(1)",
      'node_pc1 printer two\nlines, "quoted"',
      "node_pc2 host_name '=quoted",
      "node_=pc3 printer -5",
    ]);
    expect(exported.text).not.toMatch(/(^|,|")[=+\-@]/m);
  });
  test("leaves secrets out and says which, and inherited values, which would become the PCs' own", () => {
    expect(exported.secretNames).toEqual(["licence"]);
    expect(exported.text).not.toContain("licence");
    expect(exported.text).not.toContain("sealed");
    expect(exported.text).not.toContain("hall");
  });
});

describe("identity files of a PC", () => {
  const file = (groupId: string, path: string, template = groupId) => ({ groupId, path, template });
  const FILES = [file("", "b"), file("", "etc/a"), file("group_a", "ETC/A"), file("group_b", "c")];
  const of = (groupId: string | null) =>
    identityFilesFor(FILES, groupId).map(({ path, template }) => `${path} ${template}`);
  test("a classroom's takes the place of the one for all, whatever its case; sorted by path", () => {
    expect(of("group_a")).toEqual(["ETC/A group_a", "b "]);
    expect(of("group_b")).toEqual(["b ", "c group_b", "etc/a "]);
    expect(of(null)).toEqual(["b ", "etc/a "]);
  });
});

test("a thousand PCs are resolved as one is, in no time", () => {
  const nodes = Array.from({ length: 1000 }, (_, index) => ({
    ...{ nodeId: `node_${index}`, name: `pc${index}`, groupId: `group_${index % 30}` },
  }));
  const values = nodes.flatMap(({ nodeId }, index) =>
    Array.from({ length: 12 }, (_, at): Variable => {
      const text = at === 0 && index === 7 ? "value 9" : `value ${index}`;
      return { name: `v${at}`, scope: "node", scopeId: nodeId, value: text, sealed: null };
    }),
  );
  const began = performance.now();
  expect(resolveAll(values, nodes).get("node_999")?.get("v3")).toMatchObject({
    value: "value 999",
    from: "node",
  });
  const names = [name("v0", { isUnique: true }), name("v1")];
  expect(namedDuplicates(nodes, names, values)).toEqual([
    { name: "v0", value: "value 9", nodeNames: ["pc7", "pc9"] },
  ]);
  expect(performance.now() - began).toBeLessThan(2_000);
});
