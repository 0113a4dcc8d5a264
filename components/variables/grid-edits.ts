// What was typed into the grid and is not saved yet, and what the grid shows because of it. Pure: the cells only draw this.
//
// A draft is a text by row and name. It exists only while it differs from what is saved: a cell typed back to its old value is no
// change. An empty text means "no value of its own": the PC inherits again. Of a secret only a new text is known; an empty draft
// takes the saved one away.
import type { Scope } from "#lib/model/localization.ts";
import { EVERYWHERE, type GridColumn, type GridRow, type ValueWish } from "#lib/model/variable-grid.ts";

export type RowDrafts = Readonly<Record<string, string>>;
/** By rowKey. */
export type Drafts = ReadonlyMap<string, RowDrafts>;

export interface Edit {
  readonly row: GridRow;
  readonly column: GridColumn;
  /** As it stands in the cell. */
  readonly text: string;
}

/** Values may have several lines, an input has one. */
const LINE_BREAK_SIGN = "↵";

export function rowKey({ scope, scopeId }: { readonly scope: Scope; readonly scopeId: string }): string {
  return `${scope}:${scopeId}`;
}

export function textOfValue(value: string): string {
  return value.replaceAll("\n", LINE_BREAK_SIGN);
}

function valueOfText(text: string): string {
  return text.replaceAll(LINE_BREAK_SIGN, "\n");
}

/** What is saved for the row itself, as a cell shows it; null: nothing. Of a secret, "". */
export function savedText(row: GridRow, name: string): string | null {
  const cell = row.cells[name];
  return cell === undefined || cell.from !== row.scope ? null : textOfValue(cell.value ?? "");
}

export function withEdits(drafts: Drafts, edits: readonly Edit[]): Drafts {
  const next = new Map(drafts);
  for (const { row, column, text } of edits) {
    const key = rowKey(row);
    const { [column.name]: _, ...others } = next.get(key) ?? {};
    const saved = savedText(row, column.name);
    // A secret typed anew is a change even if it is the same: nobody here knows.
    const isUnchanged = column.isSecret ? text === "" && saved === null : text === (saved ?? "");
    const after = isUnchanged ? others : { ...others, [column.name]: text };
    if (Object.keys(after).length === 0) next.delete(key);
    else next.set(key, after);
  }
  return next;
}

/** The cell as it is saved. */
export function withoutDraft(drafts: Drafts, row: GridRow, name: string): Drafts {
  const { [name]: _, ...others } = drafts.get(rowKey(row)) ?? {};
  const next = new Map(drafts);
  if (Object.keys(others).length === 0) next.delete(rowKey(row));
  else next.set(rowKey(row), others);
  return next;
}

/** What remains when `saved` was saved: cells typed into meanwhile. */
export function withoutSaved(drafts: Drafts, saved: Drafts): Drafts {
  const next = new Map<string, RowDrafts>();
  for (const [key, row] of drafts) {
    const before = saved.get(key) ?? {};
    const kept = Object.entries(row).filter(([name, text]) => before[name] !== text);
    if (kept.length > 0) next.set(key, Object.fromEntries(kept));
  }
  return next;
}

export function draftCount(drafts: Drafts): number {
  return [...drafts.values()].reduce((sum, row) => sum + Object.keys(row).length, 0);
}

export function wishesOf(drafts: Drafts, rows: readonly GridRow[]): ValueWish[] {
  return rows.flatMap((row) =>
    Object.entries(drafts.get(rowKey(row)) ?? {}).map(([name, text]) => ({
      name,
      scope: row.scope,
      scopeId: row.scopeId,
      value: text === "" ? null : valueOfText(text),
    })),
  );
}

export interface Inherited {
  /** Null: a secret. */
  readonly text: string | null;
  readonly from: string;
}

/** What a row gets that says nothing itself, by name: from the nearest of the rows `above` it (all, then the classroom). */
export function inheritedFrom(
  above: readonly GridRow[],
  columns: readonly GridColumn[],
  drafts: Drafts,
): Readonly<Record<string, Inherited>> {
  const inherited: Record<string, Inherited> = {};
  for (const row of above) {
    for (const { name, isSecret } of columns) {
      const draft = drafts.get(rowKey(row))?.[name];
      const text = draft === undefined ? savedText(row, name) : draft === "" ? null : draft;
      const from = row.scope === "global" ? EVERYWHERE.toLowerCase() : row.name;
      if (text !== null) inherited[name] = { text: isSecret ? null : text, from };
    }
  }
  return inherited;
}

export interface Pasted {
  readonly edits: readonly Edit[];
  /** What did not fit the grid. */
  readonly lostRows: number;
  readonly lostColumns: number;
}

/** A block of a spreadsheet, laid on the grid with its first cell at `at`. */
export function spread(
  block: readonly (readonly string[])[],
  at: { readonly row: number; readonly column: number },
  rows: readonly GridRow[],
  columns: readonly GridColumn[],
): Pasted {
  const width = Math.max(0, ...block.map((cells) => cells.length));
  const edits = block.flatMap((cells, down) =>
    cells.flatMap((text, right): Edit[] => {
      const row = rows[at.row + down];
      const column = columns[at.column + right];
      return row === undefined || column === undefined ? [] : [{ row, column, text: textOfValue(text) }];
    }),
  );
  return {
    edits,
    lostRows: Math.max(0, at.row + block.length - rows.length),
    lostColumns: Math.max(0, at.column + width - columns.length),
  };
}

/** By name, by value in lower case: PCs of other rooms that have it. */
export type ValuesElsewhere = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

/** By rowKey, by name: in words, which other PCs have the value that only one may have. As it would be with the drafts saved. */
export function duplicateWords(
  nodes: readonly GridRow[],
  columns: readonly GridColumn[],
  drafts: Drafts,
  inherited: Readonly<Record<string, Inherited>>,
  elsewhere: ValuesElsewhere,
): ReadonlyMap<string, RowDrafts> {
  const words = new Map<string, Record<string, string>>();
  for (const { name } of columns.filter((column) => column.isUnique && !column.isSecret)) {
    const byValue = Map.groupBy(nodes, (row) => effectiveText(row, name, drafts, inherited).toLowerCase());
    for (const [value, holders] of byValue) {
      if (value === "") continue;
      const others = elsewhere[name]?.[valueOfText(value)] ?? [];
      if (holders.length + others.length < 2) continue;
      for (const holder of holders) {
        const also = [...holders.filter((row) => row !== holder).map((row) => row.name), ...others];
        words.set(rowKey(holder), { ...words.get(rowKey(holder)), [name]: alsoWords(also) });
      }
    }
  }
  return words;
}

function effectiveText(
  row: GridRow,
  name: string,
  drafts: Drafts,
  inherited: Readonly<Record<string, Inherited>>,
): string {
  const draft = drafts.get(rowKey(row))?.[name];
  const own = draft === undefined ? savedText(row, name) : draft === "" ? null : draft;
  return own ?? inherited[name]?.text ?? "";
}

function alsoWords(names: readonly string[]): string {
  const [first = "", second] = names;
  if (second === undefined) return `also ${first}`;
  return names.length === 2 ? `also ${first} and ${second}` : `also ${first} and ${names.length - 1} more`;
}
