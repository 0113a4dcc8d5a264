import { describe, expect, test } from "vitest";
import type { GridCell, GridColumn, GridRow } from "#lib/model/variable-grid.ts";
import {
  type Drafts,
  draftCount,
  duplicateWords,
  inheritedFrom,
  rowKey,
  savedText,
  spread,
  wishesOf,
  withEdits,
  withoutDraft,
  withoutSaved,
} from "./grid-edits.ts";

const column = (name: string, more: Partial<GridColumn> = {}): GridColumn => ({
  ...{ name, isSecret: false, isUnique: false, note: "", valueCount: 0 },
  ...more,
});
const HOST = column("host_name", { isUnique: true });
const PRINTER = column("printer");
const LICENCE = column("licence", { isSecret: true });
const COLUMNS = [HOST, PRINTER, LICENCE];

const cell = (value: string | null, from: GridCell["from"]): GridCell => ({
  value,
  isSecret: value === null,
  from,
});
const node = (name: string, cells: GridRow["cells"] = {}): GridRow => ({
  ...{ scope: "node", scopeId: `node_${name}`, name, seat: null, cells },
});
const EVERYTHING: GridRow = {
  ...{ scope: "global", scopeId: "", name: "All classrooms", seat: null },
  cells: { printer: cell("hall", "global") },
};
const ROOM: GridRow = { scope: "classroom", scopeId: "group_a", name: "LAB-A", seat: null, cells: {} };
const ONE = node("pc1", { host_name: cell("LAB-1", "node"), printer: cell("hall", "global") });
const TWO = node("pc2", { host_name: cell("lab-1", "node"), licence: cell(null, "node") });
const ROWS = [EVERYTHING, ROOM, ONE, TWO];
const NONE: Drafts = new Map();
const typed = (row: GridRow, what: GridColumn, text: string, before = NONE) =>
  withEdits(before, [{ row, column: what, text }]);

describe("a draft", () => {
  test("exists while the text differs from what is saved", () => {
    const changed = typed(ONE, HOST, "LAB-2");
    expect(draftCount(changed)).toBe(1);
    expect(draftCount(typed(ONE, HOST, "LAB-1", changed))).toBe(0);
    expect(draftCount(typed(ONE, PRINTER, ""))).toBe(0);
    expect(draftCount(withoutDraft(changed, ONE, "host_name"))).toBe(0);
  });
  test("of a value that is inherited makes it the PC's own, even when it is the same", () => {
    expect(savedText(ONE, "printer")).toBeNull();
    expect(draftCount(typed(ONE, PRINTER, "hall"))).toBe(1);
  });
  test("of a secret: empty takes the saved one away, and is nothing where there is none", () => {
    expect(wishesOf(typed(TWO, LICENCE, ""), ROWS)).toMatchObject([{ name: "licence", value: null }]);
    expect(draftCount(typed(ONE, LICENCE, ""))).toBe(0);
    expect(wishesOf(typed(TWO, LICENCE, "AAAA"), ROWS)).toMatchObject([{ name: "licence", value: "AAAA" }]);
  });
  test("that was saved is gone, one typed meanwhile stays", () => {
    const saved = typed(ONE, HOST, "A");
    const now = typed(TWO, HOST, "C", typed(ONE, HOST, "B", saved));
    expect(draftCount(withoutSaved(now, saved))).toBe(2);
    expect(draftCount(withoutSaved(saved, saved))).toBe(0);
  });
});

test("what is saved: one wish for each draft, empty ones clear, lines come back", () => {
  const drafts = withEdits(NONE, [
    { row: EVERYTHING, column: PRINTER, text: "" },
    { row: ROOM, column: PRINTER, text: "lab" },
    { row: ONE, column: HOST, text: "a↵b" },
  ]);
  expect(wishesOf(drafts, ROWS)).toEqual([
    { name: "printer", scope: "global", scopeId: "", value: null },
    { name: "printer", scope: "classroom", scopeId: "group_a", value: "lab" },
    { name: "host_name", scope: "node", scopeId: "node_pc1", value: "a\nb" },
  ]);
});

describe("what a PC inherits", () => {
  const of = (drafts: Drafts) => inheritedFrom([EVERYTHING, ROOM], COLUMNS, drafts);
  test("is the nearest, with where it is from", () => {
    expect(of(NONE)).toEqual({ printer: { text: "hall", from: "all classrooms" } });
    expect(of(typed(ROOM, PRINTER, "lab"))).toEqual({ printer: { text: "lab", from: "LAB-A" } });
  });
  test("follows what is typed above, and says of secrets only that there is one", () => {
    expect(of(typed(EVERYTHING, PRINTER, ""))).toEqual({});
    expect(of(typed(ROOM, LICENCE, "AAAA")).licence).toEqual({ text: null, from: "LAB-A" });
  });
});

describe("a block from a spreadsheet", () => {
  test("fills to the right and below", () => {
    const { edits, lostRows, lostColumns } = spread(
      [["1", "2"], ["3"]],
      { row: 2, column: 0 },
      ROWS,
      COLUMNS,
    );
    expect(edits.map(({ row, column: { name }, text }) => `${row.name} ${name} ${text}`)).toEqual([
      "pc1 host_name 1",
      "pc1 printer 2",
      "pc2 host_name 3",
    ]);
    expect([lostRows, lostColumns]).toEqual([0, 0]);
  });
  test("says what did not fit", () => {
    const block = [
      ["1", "2"],
      ["3", "4"],
      ["5", "6"],
    ];
    const { edits, lostRows, lostColumns } = spread(block, { row: 2, column: 2 }, ROWS, COLUMNS);
    expect(edits).toHaveLength(2);
    expect([lostRows, lostColumns]).toEqual([1, 1]);
  });
  test("of two hundred PCs and twelve variables is one change of state", () => {
    const rows = Array.from({ length: 200 }, (_, index) => node(`pc${index}`));
    const columns = Array.from({ length: 12 }, (_, index) => column(`v${index}`));
    const block = rows.map(({ name }) => columns.map((each) => `${name} ${each.name}`));
    const drafts = withEdits(NONE, spread(block, { row: 0, column: 0 }, rows, columns).edits);
    expect(draftCount(drafts)).toBe(2400);
    expect(wishesOf(drafts, rows).at(-1)).toMatchObject({ scopeId: "node_pc199", value: "pc199 v11" });
  });
});

describe("duplicates", () => {
  const of = (drafts: Drafts, elsewhere = {}) =>
    duplicateWords(
      [ONE, TWO],
      COLUMNS,
      drafts,
      inheritedFrom([EVERYTHING, ROOM], COLUMNS, drafts),
      elsewhere,
    );
  test("are named on both sides, whatever the case, and go when one is changed", () => {
    expect(of(NONE).get(rowKey(ONE))).toEqual({ host_name: "also pc2" });
    expect(of(NONE).get(rowKey(TWO))).toEqual({ host_name: "also pc1" });
    expect(of(typed(TWO, HOST, "LAB-2")).size).toBe(0);
  });
  test("with PCs of other rooms, and with several", () => {
    const elsewhere = { host_name: { "lab-1": ["x1", "x2"] } };
    expect(of(NONE, elsewhere).get(rowKey(ONE))).toEqual({ host_name: "also pc2 and 2 more" });
    expect(of(typed(TWO, HOST, "LAB-2"), elsewhere).get(rowKey(ONE))).toEqual({
      host_name: "also x1 and x2",
    });
  });
  test("are not those of names that many may share", () => {
    const both = typed(TWO, PRINTER, "hall", typed(TWO, HOST, "LAB-2"));
    expect(of(both).size).toBe(0);
  });
  test("arise from a unique name that is set for everyone", () => {
    const cleared = typed(TWO, HOST, "", typed(ONE, HOST, "", typed(EVERYTHING, HOST, "same")));
    expect(of(cleared).size).toBe(2);
  });
});
