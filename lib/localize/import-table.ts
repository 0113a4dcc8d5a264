// A table of values as it comes from a spreadsheet: the first column names the PC, the head names the variables. Everything in it
// that cannot be taken is told at once, each with its line. Pure.

import { type DelimitedRow, delimiterOf, parseTable, unguardCell } from "#lib/model/delimited-text.ts";
import { CodedError } from "#lib/model/errors.ts";
import type { VariableName } from "#lib/model/localization.ts";
import type { TableProblem, ValueWish } from "#lib/model/variable-grid.ts";
import { checkVariableValue } from "./variables.ts";

export const TABLE_ROWS_MAX = 5_000;
const COLUMNS_MAX = 256;
/** Whoever sees so many has the wrong file. */
const PROBLEMS_MAX = 100;

/** What an empty cell says: leave the PC's own value as it is, or take it away. */
export const EMPTY_CELLS = ["keep", "clear"] as const;
export type EmptyCells = (typeof EMPTY_CELLS)[number];

export interface ImportDecision {
  readonly wishes: readonly ValueWish[];
  readonly problems: readonly TableProblem[];
}

/** Throws `input-invalid` for what is no table at all. */
export function decideImport(
  text: string,
  names: readonly VariableName[],
  nodes: readonly { readonly nodeId: string; readonly name: string }[],
  emptyCells: EmptyCells,
): ImportDecision {
  const [head, ...rows] = parseTable(text, delimiterOf(text));
  if (head === undefined || head.cells.length < 2) throw noTable();
  if (rows.length > TABLE_ROWS_MAX || head.cells.length > COLUMNS_MAX) throw tooLarge();
  const problems: TableProblem[] = [];
  const columns = columnsOf(head, new Set(names.map(({ name }) => name)), problems);
  const nodeIds = new Map(nodes.map(({ nodeId, name }) => [name, nodeId]));
  const lineOf = new Map<string, number>();
  const wishes = rows.flatMap((row) => {
    const nodeId = nodeOf(row, nodeIds, lineOf, problems);
    return nodeId === null ? [] : wishesOf(row, nodeId, columns, emptyCells, problems);
  });
  return { wishes, problems: shortened(problems.sort((left, right) => left.line - right.line)) };
}

/** By position; null where the head names nothing that is known. */
function columnsOf(
  { line, cells }: DelimitedRow,
  known: ReadonlySet<string>,
  problems: TableProblem[],
): (string | null)[] {
  const names = cells.map((cell) => cell.trim());
  return names.map((name, index) => {
    if (index === 0) return null;
    // A spreadsheet leaves empty columns behind the last one.
    if (name === "" && names.slice(index).every((later) => later === "")) return null;
    if (!known.has(name)) {
      problems.push({ line, words: `There is no variable ${quoted(name)}.` });
      return null;
    }
    if (names.indexOf(name, 1) === index) return name;
    problems.push({ line, words: `The column ${name} stands there twice.` });
    return null;
  });
}

function nodeOf(
  { line, cells }: DelimitedRow,
  nodeIds: ReadonlyMap<string, string>,
  lineOf: Map<string, number>,
  problems: TableProblem[],
): string | null {
  const name = unguardCell(cells[0] ?? "").trim();
  if (name === "" && cells.every((cell) => cell.trim() === "")) return null;
  const nodeId = nodeIds.get(name);
  const before = lineOf.get(name);
  lineOf.set(name, before ?? line);
  if (nodeId === undefined) problems.push({ line, words: `There is no PC ${quoted(name)}.` });
  else if (before !== undefined) problems.push({ line, words: `${name} stands in line ${before} already.` });
  else return nodeId;
  return null;
}

function wishesOf(
  { line, cells }: DelimitedRow,
  nodeId: string,
  columns: readonly (string | null)[],
  emptyCells: EmptyCells,
  problems: TableProblem[],
): ValueWish[] {
  if (cells.slice(columns.length).some((cell) => cell !== "")) {
    problems.push({ line, words: "It has more cells than the head has columns." });
  }
  return columns.flatMap((name, index): ValueWish[] => {
    const value = unguardCell(cells[index] ?? "");
    if (name === null || (value === "" && emptyCells === "keep")) return [];
    const problem = problemOfValue(name, value);
    if (problem !== null) problems.push({ line, words: problem });
    return [{ name, scope: "node", scopeId: nodeId, value: value === "" ? null : value }];
  });
}

function problemOfValue(name: string, value: string): string | null {
  try {
    checkVariableValue(name, value);
    return null;
  } catch (thrown) {
    if (!(thrown instanceof CodedError)) throw thrown;
    return thrown.message;
  }
}

function shortened(problems: readonly TableProblem[]): TableProblem[] {
  if (problems.length <= PROBLEMS_MAX) return [...problems];
  const rest = problems.length - PROBLEMS_MAX;
  const line = problems[PROBLEMS_MAX]?.line ?? 0;
  return [...problems.slice(0, PROBLEMS_MAX), { line, words: `And ${rest} more from here on.` }];
}

function quoted(text: string): string {
  return `"${text.length > 40 ? `${text.slice(0, 40)}…` : text}"`;
}

function noTable(): CodedError {
  return new CodedError("input-invalid", "This is no table of variables.", {
    hint: "The first line names the variables (pc,host_name,ip_address), each line after it begins with a PC's name.",
  });
}

function tooLarge(): CodedError {
  return new CodedError("input-invalid", "The table has too many rows or columns.", {
    hint: `It may have ${TABLE_ROWS_MAX} rows and ${COLUMNS_MAX} columns. Give it in parts.`,
  });
}
