// One node's row: its name (which stays in view), whether it is online, what is on its disks now, and its cells.
// Memoised by hand-picked facts: a refresh that changed one node redraws one row.
import Link from "next/link";
import { memo } from "react";
import { type MatrixCell, type MatrixMoment, versionWords } from "#lib/model/matrix.ts";
import { IdentityMark } from "../identity-badge.tsx";
import { classNames } from "../ui/class-names.ts";
import { CellMark } from "./cell-mark.tsx";
import type { MatrixRow, Position } from "./matrix-types.ts";

interface Props {
  readonly row: MatrixRow;
  readonly index: number;
  readonly moments: readonly MatrixMoment[];
  readonly cells: readonly MatrixCell[];
  /** The column that holds the grid's one tab stop, when it is in this row. */
  readonly activeColumn: number | null;
  readonly openColumn: number | null;
  readonly wordsOf: (moment: MatrixMoment, cell: MatrixCell) => string;
  readonly onFocus: (at: Position) => void;
  readonly onChoose: (at: Position) => void;
}

function Row({ row, index, moments, cells, activeColumn, openColumn, wordsOf, onFocus, onChoose }: Props) {
  const now = cells.at(-1) ?? row.before;
  return (
    <tr aria-rowindex={index + 2} className="group">
      <th
        scope="row"
        aria-colindex={1}
        className="sticky left-0 z-10 border-r border-b border-line bg-surface p-0 text-left font-normal group-hover:bg-sunken"
      >
        <Link
          href={`/nodes/${row.nodeId}`}
          prefetch={false}
          data-at={`${index}:-1`}
          tabIndex={activeColumn === -1 ? 0 : -1}
          onFocus={() => onFocus({ row: index, column: -1 })}
          className="flex h-9 w-36 items-center gap-2 px-3 focus-visible:-outline-offset-2 sm:w-44"
        >
          <span
            aria-hidden
            title={row.online ? "Online" : "Offline"}
            className={classNames(
              "size-2 shrink-0 rounded-full",
              row.online ? "bg-ok-fill" : "border border-ink-3",
            )}
          />
          {/* PCs of a room differ at the end of their names: on a phone a long one wraps rather than losing it. */}
          <span className="min-w-0 flex-1 text-xs leading-tight font-medium break-words sm:truncate sm:text-sm">
            {row.name}
          </span>
          {row.identity === null ? null : <IdentityMark identity={row.identity} />}
          <span className="sr-only">{row.online ? ", online" : ", offline"}, now</span>
          {now.version === null ? (
            <span className="text-xs text-ink-3">–</span>
          ) : (
            <span className="text-xs text-ink-3" title={versionWords(now.version, row.name)}>
              v{now.version.number}
            </span>
          )}
        </Link>
      </th>
      {moments.map((moment, column) => {
        const cell = cells[column];
        if (cell === undefined) return null;
        return (
          <td
            key={moment.id}
            // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: this is the ARIA grid pattern.
            role="gridcell"
            aria-colindex={column + 2}
            aria-label={wordsOf(moment, cell)}
            aria-selected={openColumn === column}
            title={wordsOf(moment, cell)}
            data-at={`${index}:${column}`}
            tabIndex={activeColumn === column ? 0 : -1}
            onFocus={() => onFocus({ row: index, column })}
            onClick={() => onChoose({ row: index, column })}
            onKeyDown={(event) => {
              if (event.key !== "Enter" && event.key !== " ") return;
              event.preventDefault();
              onChoose({ row: index, column });
            }}
            className={classNames(
              "h-9 min-w-14 cursor-pointer border-b border-line align-middle group-hover:bg-sunken focus-visible:-outline-offset-2",
              openColumn === column && "bg-accent-soft ring-1 ring-accent ring-inset",
            )}
          >
            <CellMark cell={cell} />
          </td>
        );
      })}
      {/* Takes the width that few moments leave, so that rows run to the card's edge. */}
      <td aria-hidden className="w-full border-b border-line group-hover:bg-sunken" />
    </tr>
  );
}

export const MatrixBodyRow = memo(Row, (before, after) => {
  return (
    before.row === after.row &&
    before.cells === after.cells &&
    before.moments === after.moments &&
    before.activeColumn === after.activeColumn &&
    before.openColumn === after.openColumn
  );
});
