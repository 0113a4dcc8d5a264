// Where a key leads in the grid of variables: as in a spreadsheet, but for arrows inside a text, which move the caret. Pure: the whole
// keyboard contract on one page.

export interface Position {
  readonly row: number;
  readonly column: number;
}

export interface Size {
  readonly rows: number;
  readonly columns: number;
}

/** Where the caret is in the cell's text. "all": the whole text is selected, or there is none; so it is when a cell is entered. */
export type Caret = "all" | "start" | "end" | "inside";

export interface Key {
  readonly key: string;
  readonly withShift: boolean;
  readonly withControl: boolean;
}

const PAGE_ROWS = 10;

/** Null: the key is left to the browser. Tab beyond the last cell and Shift+Tab before the first thus leave the grid. */
export function positionAfterKey(
  { key, withShift, withControl }: Key,
  caret: Caret,
  { row, column }: Position,
  size: Size,
): Position | null {
  const to = (wanted: Position) => clamp(wanted, size);
  switch (key) {
    case "Enter":
      return to({ row: row + (withShift ? -1 : 1), column });
    case "Tab":
      return withControl ? null : nextInOrder({ row, column }, withShift ? -1 : 1, size);
    case "ArrowUp":
      return to({ row: row - 1, column });
    case "ArrowDown":
      return to({ row: row + 1, column });
    case "ArrowLeft":
      return !withShift && (caret === "all" || caret === "start") ? to({ row, column: column - 1 }) : null;
    case "ArrowRight":
      return !withShift && (caret === "all" || caret === "end") ? to({ row, column: column + 1 }) : null;
    case "PageUp":
      return to({ row: row - PAGE_ROWS, column });
    case "PageDown":
      return to({ row: row + PAGE_ROWS, column });
    case "Home":
      return withControl ? { row: 0, column: 0 } : null;
    case "End":
      return withControl ? to({ row: size.rows - 1, column: size.columns - 1 }) : null;
    default:
      return null;
  }
}

export function caretOf(length: number, from: number | null, to: number | null): Caret {
  if (length === 0 || (from === 0 && to === length)) return "all";
  if (from === 0 && to === 0) return "start";
  return from === length && to === length ? "end" : "inside";
}

/** Row by row. */
function nextInOrder({ row, column }: Position, step: 1 | -1, size: Size): Position | null {
  const index = row * size.columns + column + step;
  if (index < 0 || index >= size.rows * size.columns) return null;
  return { row: Math.floor(index / size.columns), column: index % size.columns };
}

function clamp({ row, column }: Position, size: Size): Position {
  return {
    row: Math.min(Math.max(row, 0), size.rows - 1),
    column: Math.min(Math.max(column, 0), size.columns - 1),
  };
}
