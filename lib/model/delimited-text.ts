// Tables as text: CSV files and what a spreadsheet puts on the clipboard. Reads what the usual programs write (BOM, CRLF, semicolons,
// quotes, UTF-16, Windows-1252), keeps for each row the line it began on, and refuses what has no single meaning. Pure.
import { CodedError } from "./errors.ts";

export const DELIMITERS = [",", ";", "\t"] as const;
export type Delimiter = (typeof DELIMITERS)[number];

export interface DelimitedRow {
  /** 1-based, of the text. */
  readonly line: number;
  readonly cells: readonly string[];
}

/** Five thousand PCs with ten values of ten characters each. */
export const TABLE_BYTES_MAX = 512 * 1024;
const BYTE_ORDER_MARK = "\ufeff";
/** Everything between two quotes in which every quote is doubled. Each character is looked at once. */
const QUOTED = /"([^"]*(?:""[^"]*)*)"/y;
const NEEDS_QUOTES = /[",;\t\r\n]|^\s|\s$/;
/** What a spreadsheet takes for the beginning of a formula; OWASP's list ("CSV Injection"), with the full-width forms. */
const FORMULA = /^'*[=+\-@\t\r\n＝＋－＠]/;
const GUARDED = /^'+[=+\-@\t\r\n＝＋－＠]/;

/** A file's bytes as text: UTF-16 by its mark, else UTF-8, else what a German or French Windows calls "ANSI". */
export function textOfTable(bytes: Uint8Array): string {
  if (bytes.byteLength > TABLE_BYTES_MAX) {
    throw new CodedError("input-invalid", "The table is too large.", {
      hint: `It may have ${TABLE_BYTES_MAX / 1024} KiB. Leave out columns that are no variables, or give it in parts.`,
    });
  }
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder("utf-16le").decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder("utf-16be").decode(bytes);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    // Not UTF-8: every byte has a meaning in Windows-1252, so this cannot fail.
    return new TextDecoder("windows-1252").decode(bytes);
  }
}

/** The one that is most frequent in the first line; names of variables hold none of them. */
export function delimiterOf(text: string): Delimiter {
  const head = text.slice(0, indexOrEnd(text, /[\r\n]/));
  const countOf = (delimiter: Delimiter) => head.split(delimiter).length;
  return DELIMITERS.reduce((best, delimiter) => (countOf(delimiter) > countOf(best) ? delimiter : best));
}

/** Rows without any character are left out. Throws `input-invalid` for a NUL and for quotes that do not close, with the line. */
export function parseTable(text: string, delimiter: Delimiter): DelimitedRow[] {
  return [...rowsOf(text, delimiter, true)].filter(({ cells }) => cells.length > 1 || cells[0] !== "");
}

/** What was copied from a spreadsheet: never refused, since some programs copy quotes as they stand. A lone value is one cell. */
export function parseClipboard(text: string): string[][] {
  const rows = [...rowsOf(text.replaceAll("\0", ""), "\t", false)].map(({ cells }) => [...cells]);
  // Spreadsheets end the last row, too.
  const last = rows.at(-1);
  return rows.length > 1 && last?.length === 1 && last[0] === "" ? rows.slice(0, -1) : rows;
}

function* rowsOf(text: string, delimiter: Delimiter, strict: boolean): Generator<DelimitedRow> {
  let at = text.startsWith(BYTE_ORDER_MARK) ? 1 : 0;
  let line = 1;
  let row = { line, cells: [] as string[] };
  for (;;) {
    const cell = cellAt(text, at, delimiter, strict, line);
    row.cells.push(cell.value);
    line += cell.lineBreaks;
    if (text[cell.end] === delimiter) {
      at = cell.end + 1;
      continue;
    }
    yield row;
    if (cell.end >= text.length) return;
    at = cell.end + (text.startsWith("\r\n", cell.end) ? 2 : 1);
    line += 1;
    row = { line, cells: [] };
    if (strict && at === text.length) return;
  }
}

interface Cell {
  readonly value: string;
  /** Where the delimiter, the line's end or the text's end is. */
  readonly end: number;
  readonly lineBreaks: number;
}

function cellAt(text: string, at: number, delimiter: Delimiter, strict: boolean, line: number): Cell {
  const quoted = text[at] === '"' ? quotedAt(text, at) : null;
  const isClosed = quoted !== null && isEnd(text, quoted.end, delimiter);
  if (text[at] === '"' && strict && !isClosed) {
    throw malformed(line, quoted === null ? "a quote is never closed" : "text follows a closing quote");
  }
  let end = quoted?.end ?? at;
  if (!isClosed) {
    end = at;
    while (!isEnd(text, end, delimiter)) end += 1;
  }
  const value = isClosed && quoted !== null ? quoted.value : text.slice(at, end);
  if (value.includes("\0")) throw malformed(line, "there is a NUL, so it is no text");
  return { value, end, lineBreaks: isClosed ? value.split("\n").length - 1 : 0 };
}

function quotedAt(text: string, at: number): { value: string; end: number } | null {
  QUOTED.lastIndex = at;
  const match = QUOTED.exec(text);
  if (match === null) return null;
  return {
    value: (match[1] ?? "").replaceAll('""', '"').replaceAll("\r\n", "\n"),
    end: at + match[0].length,
  };
}

function isEnd(text: string, at: number, delimiter: Delimiter): boolean {
  const character = text[at];
  return character === undefined || character === delimiter || character === "\n" || character === "\r";
}

function malformed(line: number, why: string): CodedError {
  return new CodedError("input-invalid", `Line ${line} cannot be read: ${why}.`, {
    hint: "Save the table as CSV (UTF-8) from a spreadsheet. Nothing was changed.",
  });
}

function indexOrEnd(text: string, pattern: RegExp): number {
  const index = text.search(pattern);
  return index === -1 ? text.length : index;
}

/** With commas and CRLF (RFC 4180), and the mark by which Excel knows UTF-8. */
export function printTable(rows: readonly (readonly string[])[]): string {
  const lines = rows.map((cells) => `${cells.map(printCell).join(",")}\r\n`);
  return BYTE_ORDER_MARK + lines.join("");
}

function printCell(text: string): string {
  return NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A cell that no spreadsheet runs: what looks like a formula gets a quote before it, as people type it to mean text. */
export function guardCell(text: string): string {
  return FORMULA.test(text) ? `'${text}` : text;
}

/** What guardCell was given. */
export function unguardCell(text: string): string {
  return GUARDED.test(text) ? text.slice(1) : text;
}
