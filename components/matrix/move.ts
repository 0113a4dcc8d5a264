// Where a key leads in the grid. Pure: the whole keyboard contract of the matrix on one page.
import type { Position } from "./matrix-types.ts";

const PAGE_ROWS = 10;

interface Size {
  readonly rows: number;
  readonly columns: number;
}

/** Null: the key means nothing to the grid. */
export function positionAfterKey(
  key: string,
  withControl: boolean,
  at: Position,
  size: Size,
): Position | null {
  const last = { row: size.rows - 1, column: size.columns - 1 };
  switch (key) {
    case "ArrowLeft":
      return clamp({ ...at, column: at.column - 1 }, size);
    case "ArrowRight":
      return clamp({ ...at, column: at.column + 1 }, size);
    case "ArrowUp":
      return clamp({ ...at, row: at.row - 1 }, size);
    case "ArrowDown":
      return clamp({ ...at, row: at.row + 1 }, size);
    case "PageUp":
      return clamp({ ...at, row: Math.max(0, at.row - PAGE_ROWS) }, size);
    case "PageDown":
      return clamp({ ...at, row: at.row + PAGE_ROWS }, size);
    case "Home":
      return withControl ? clamp({ row: 0, column: 0 }, size) : clamp({ ...at, column: -1 }, size);
    case "End":
      return withControl ? clamp(last, size) : clamp({ ...at, column: last.column }, size);
    default:
      return null;
  }
}

/** The corner above the names is no place to stand. */
function clamp(wanted: Position, size: Size): Position {
  const row = Math.min(Math.max(wanted.row, -1), size.rows - 1);
  const column = Math.min(Math.max(wanted.column, row === -1 ? 0 : -1), size.columns - 1);
  return { row, column };
}
