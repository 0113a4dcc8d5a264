// One row of the grid: its name, which stays in view, and a cell for each variable. Memoised by hand-picked facts: a key typed in one
// PC's row redraws that row, not two hundred.
import { TriangleAlert } from "lucide-react";
import Link from "next/link";
import { memo } from "react";
import { type GridColumn, type GridRow, SECRET_MASK } from "#lib/model/variable-grid.ts";
import { classNames } from "../ui/class-names.ts";
import { type Inherited, type RowDrafts, savedText } from "./grid-edits.ts";

interface Props {
  readonly row: GridRow;
  readonly index: number;
  /** Of the rows that stay at the top; null for a PC. */
  readonly pinnedIndex: number | null;
  readonly columns: readonly GridColumn[];
  readonly drafts: RowDrafts;
  readonly inherited: Readonly<Record<string, Inherited>>;
  /** By name: which other PCs have the value. */
  readonly duplicates: RowDrafts;
  /** The column that holds the grid's one tab stop, when it is in this row. */
  readonly activeColumn: number | null;
  readonly onType: ((row: GridRow, column: GridColumn, text: string) => void) | null;
}

/** Below the head, one under the other: the head has 36 pixels, a row 32 and its line. */
const PINNED_TOP = ["top-9", "top-[69px]"] as const;

function Row({ row, index, pinnedIndex, columns, activeColumn, ...rest }: Props) {
  const pinned = pinnedIndex === null ? null : PINNED_TOP[pinnedIndex];
  return (
    <tr aria-rowindex={index + 2} className="group">
      <th
        scope="row"
        aria-colindex={1}
        className={classNames(
          "sticky left-0 h-8 border-r border-b border-line p-0 text-left font-medium",
          pinned === null
            ? "z-10 bg-surface group-hover:bg-sunken"
            : `z-20 border-b-line-strong bg-sunken ${pinned}`,
        )}
      >
        <RowName row={row} />
      </th>
      {columns.map((column, at) => (
        <td
          key={column.name}
          // In a grid, a td is a gridcell.
          aria-colindex={at + 2}
          className={classNames(
            "min-w-30 border-b border-line p-0 align-top not-last:border-r",
            pinned === null
              ? "group-hover:bg-sunken/60"
              : `sticky z-[5] border-b-line-strong bg-sunken ${pinned}`,
          )}
        >
          <Cell row={row} column={column} at={`${index}:${at}`} isActive={activeColumn === at} {...rest} />
        </td>
      ))}
      {/* Takes the width that few variables leave, so that rows run to the card's edge. */}
      <td
        aria-hidden
        className={classNames(
          "w-full border-b border-line",
          pinned === null
            ? "group-hover:bg-sunken/60"
            : `sticky z-[5] border-b-line-strong bg-sunken ${pinned}`,
        )}
      />
    </tr>
  );
}

function RowName({ row }: { row: GridRow }) {
  const words = "flex min-h-8 w-32 items-center gap-2 px-3 text-xs leading-tight sm:w-44 sm:text-sm";
  if (row.scope !== "node") {
    return (
      <span className={words} title={row.name}>
        {row.scope === "global" ? row.name : "This classroom"}
      </span>
    );
  }
  return (
    <Link
      href={`/nodes/${row.scopeId}`}
      prefetch={false}
      tabIndex={-1}
      className={classNames(words, "font-normal hover:underline")}
    >
      <span className="min-w-0 flex-1 break-words sm:truncate" title={row.name}>
        {row.name}
      </span>
      {row.seat === null ? null : (
        <span className="text-xs text-ink-3" title={`Seat ${row.seat}`}>
          {row.seat}
        </span>
      )}
    </Link>
  );
}

interface CellProps extends Pick<Props, "row" | "drafts" | "inherited" | "duplicates" | "onType"> {
  readonly column: GridColumn;
  /** Row and column, for whoever looks for the input. */
  readonly at: string;
  readonly isActive: boolean;
}

function Cell({ row, column, at, isActive, drafts, inherited, duplicates, onType }: CellProps) {
  const { name, isSecret } = column;
  const draft = drafts[name];
  const saved = savedText(row, name);
  const above = inherited[name];
  const duplicate = duplicates[name];
  const words = cellWords(column, { draft, saved, above });
  return (
    <div className={classNames("relative", draft !== undefined && "bg-accent-soft")}>
      {draft === undefined ? null : (
        <span
          aria-hidden
          className="absolute top-0 right-0 size-0 border-t-8 border-l-8 border-t-accent border-l-transparent"
        />
      )}
      <input
        data-at={at}
        aria-label={`${name} of ${row.name}`}
        aria-description={[words, duplicate].filter((part) => part !== undefined && part !== "").join("; ")}
        aria-invalid={duplicate !== undefined}
        title={[isSecret ? "" : textOf({ draft, saved, above }), words]
          .filter((part) => part !== "")
          .join("\n")}
        value={draft ?? saved ?? ""}
        placeholder={placeholderOf({ isSecret, draft, saved, above })}
        readOnly={onType === null}
        tabIndex={isActive ? 0 : -1}
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        onChange={(event) => onType?.(row, column, event.target.value)}
        onKeyDown={(event) => {
          // A saved secret shows no text that could be deleted: the key itself takes it away.
          const isDelete = event.key === "Delete" || event.key === "Backspace";
          if (isSecret && isDelete && saved !== null && event.currentTarget.value === "")
            onType?.(row, column, "");
        }}
        className={classNames(
          "block h-8 w-full scroll-mb-14 bg-transparent px-2.5 text-sm text-ink focus-visible:-outline-offset-2",
          isSecret && saved !== null && draft === undefined
            ? "placeholder:text-ink"
            : "placeholder:text-ink-3",
          isSecret && "[-webkit-text-security:disc] placeholder-shown:[-webkit-text-security:none]",
        )}
      />
      {duplicate === undefined ? null : (
        // No wider than its cell: columns must not jump while somebody types.
        <p
          title={duplicate}
          className="flex w-0 min-w-full items-center gap-1 pr-1 pb-1 pl-2 text-xs text-warn"
        >
          <TriangleAlert aria-hidden size={11} className="shrink-0" />
          <span className="min-w-0 truncate">{duplicate}</span>
        </p>
      )}
    </div>
  );
}

interface CellFacts {
  readonly draft: string | undefined;
  readonly saved: string | null;
  readonly above: Inherited | undefined;
}

/** In full: a long value does not fit its cell. */
function textOf({ draft, saved, above }: CellFacts): string {
  const own = draft === "" ? null : (draft ?? saved);
  return own ?? above?.text ?? "";
}

/** What stands greyed where the row has no text of its own: what it inherits, or that there is a secret. */
function placeholderOf({ isSecret, draft, saved, above }: CellFacts & { isSecret: boolean }): string {
  if (isSecret && saved !== null && draft === undefined) return SECRET_MASK;
  if (saved === "" && draft === undefined) return "(empty)";
  if (above === undefined) return draft === "" && saved !== null ? "taken away" : "";
  return above.text ?? SECRET_MASK;
}

function cellWords({ isSecret }: GridColumn, { draft, saved, above }: CellFacts): string {
  if (draft !== undefined) {
    if (draft !== "" || saved === null) return "Not saved yet";
    return isSecret ? "Not saved yet: the secret is taken away" : `Not saved yet: was ${saved}`;
  }
  if (isSecret && saved !== null) return "A secret; type another, or press Delete to take it away";
  if (saved === null && above !== undefined) return `From ${above.from}`;
  return "";
}

export const VariableRow = memo(Row, (before, after) => {
  return (
    before.row === after.row &&
    before.columns === after.columns &&
    before.drafts === after.drafts &&
    before.inherited === after.inherited &&
    before.activeColumn === after.activeColumn &&
    before.onType === after.onType &&
    hasSameWords(before.duplicates, after.duplicates)
  );
});

function hasSameWords(left: RowDrafts, right: RowDrafts): boolean {
  const names = Object.keys(left);
  return names.length === Object.keys(right).length && names.every((name) => left[name] === right[name]);
}
