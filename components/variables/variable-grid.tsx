"use client";

// The grid of variables: a row for all classrooms, one for this classroom, one for each PC; a column for each name. Cells are plain
// inputs with one tab stop for all of them; what is typed stays here, marked, until it is saved at once or discarded.
import {
  type ClipboardEvent,
  type FocusEvent,
  type KeyboardEvent,
  type MouseEvent,
  useCallback,
  useMemo,
  useRef,
  useState,
} from "react";
import { parseClipboard, unguardCell } from "#lib/model/delimited-text.ts";
import type { GridColumn, GridRow } from "#lib/model/variable-grid.ts";
import { ChangeBar } from "./change-bar.tsx";
import { type ColumnActions, ColumnHeads } from "./column-heads.tsx";
import {
  type Drafts,
  duplicateWords,
  inheritedFrom,
  type RowDrafts,
  rowKey,
  spread,
  type ValuesElsewhere,
  withEdits,
  withoutDraft,
} from "./grid-edits.ts";
import { caretOf, type Position, positionAfterKey } from "./grid-move.ts";
import type { SaveAction } from "./preview-types.ts";
import { VariableRow } from "./variable-row.tsx";

const NO_DRAFTS: RowDrafts = {};

export interface VariableGridProps {
  readonly columns: readonly GridColumn[];
  readonly everywhere: GridRow;
  /** Null for the PCs of no classroom. */
  readonly classroom: GridRow | null;
  readonly nodes: readonly GridRow[];
  readonly elsewhere: ValuesElsewhere;
  /** Null for those who may only look. */
  readonly actions: (ColumnActions & { readonly save: SaveAction }) | null;
}

export function VariableGrid({
  columns,
  everywhere,
  classroom,
  nodes,
  elsewhere,
  actions,
}: VariableGridProps) {
  const [drafts, setDrafts] = useState<Drafts>(new Map());
  const [active, setActive] = useState<Position>({ row: 0, column: 0 });
  const [pasteWords, setPasteWords] = useState("");
  const grid = useRef<HTMLTableElement>(null);
  const bar = useRef<HTMLElement>(null);

  const pinned = useMemo(
    () => (classroom === null ? [everywhere] : [everywhere, classroom]),
    [everywhere, classroom],
  );
  const rows = useMemo(() => [...pinned, ...nodes], [pinned, nodes]);
  const pinnedDrafts = pinned.map((row) => drafts.get(rowKey(row)) ?? NO_DRAFTS);
  // By what is typed in the rows above only: typing in a PC's row must not redraw the two hundred others.
  // biome-ignore lint/correctness/useExhaustiveDependencies: of all drafts, those of the rows above count.
  const inherited = useMemo(
    () => pinned.map((_, count) => inheritedFrom(pinned.slice(0, count), columns, drafts)),
    [pinned, columns, ...pinnedDrafts],
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: likewise.
  const inheritedByNodes = useMemo(
    () => inheritedFrom(pinned, columns, drafts),
    [pinned, columns, ...pinnedDrafts],
  );
  const duplicates = useMemo(
    () => duplicateWords(nodes, columns, drafts, inheritedByNodes, elsewhere),
    [nodes, columns, drafts, inheritedByNodes, elsewhere],
  );

  const onType = useCallback((row: GridRow, column: GridColumn, text: string) => {
    setPasteWords("");
    setDrafts((before) => withEdits(before, [{ row, column, text }]));
  }, []);
  const focus = ({ row, column }: Position) => {
    const input = grid.current?.querySelector<HTMLInputElement>(`input[data-at="${row}:${column}"]`);
    input?.focus();
    input?.select();
  };
  /** A click enters a cell as the keys do, with its text selected: typing replaces it. A second one sets the caret. */
  const onMouseDown = (event: MouseEvent) => {
    const at = positionOf(event.target);
    if (at === null || event.target === document.activeElement) return;
    event.preventDefault();
    focus(at);
  };
  const onFocus = (event: FocusEvent) => {
    const at = positionOf(event.target);
    if (at !== null) setActive(at);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const at = positionOf(event.target);
    if (at === null || event.nativeEvent.isComposing) return;
    if (event.key === "Escape") {
      leaveOrUndo(at);
      return;
    }
    const { selectionStart, selectionEnd, value } = event.target as HTMLInputElement; // positionOf says that it is a cell's input
    const next = positionAfterKey(
      { key: event.key, withShift: event.shiftKey, withControl: event.ctrlKey || event.metaKey },
      caretOf(value.length, selectionStart, selectionEnd),
      at,
      { rows: rows.length, columns: columns.length },
    );
    if (next === null) return;
    event.preventDefault();
    focus(next);
  };
  /** The first Escape undoes the cell; where there is nothing to undo it leads out of the grid, to what can be done. */
  const leaveOrUndo = ({ row, column }: Position) => {
    const at = rows[row];
    const name = columns[column]?.name;
    if (at === undefined || name === undefined) return;
    if (drafts.get(rowKey(at))?.[name] === undefined) bar.current?.focus();
    else setDrafts((before) => withoutDraft(before, at, name));
  };
  const onPaste = (event: ClipboardEvent) => {
    const at = positionOf(event.target);
    if (at === null || actions === null) return;
    const block = parseClipboard(event.clipboardData.getData("text/plain"));
    // A lone value goes into the text, where the caret is.
    if (block.length === 1 && block[0]?.length === 1 && !block[0][0]?.includes("\n")) return;
    event.preventDefault();
    const plain = block.map((cells) => cells.map(unguardCell));
    const { edits, lostRows, lostColumns } = spread(plain, at, rows, columns);
    setDrafts((before) => withEdits(before, edits));
    setPasteWords(lostWords(lostRows, lostColumns));
  };

  return (
    // No Card: it cuts off what sticks out, and the bar below has to stick to the window's end, wherever the grid ends.
    <div className="rounded-lg border border-line bg-surface">
      <section
        aria-label="Variables"
        className="relative rounded-t-lg max-h-[calc(100dvh-17rem)] min-h-64 scroll-pt-26 scroll-pl-32 overflow-auto overscroll-x-contain sm:scroll-pl-44"
      >
        <table
          ref={grid}
          // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: the ARIA grid pattern on a real table.
          role="grid"
          aria-label="Values of variables"
          aria-rowcount={rows.length + 1}
          aria-colcount={columns.length + 1}
          className="w-full border-separate border-spacing-0 text-sm"
          onMouseDown={onMouseDown}
          onKeyDown={onKeyDown}
          onFocus={onFocus}
          onPaste={onPaste}
        >
          <ColumnHeads columns={columns} actions={actions} />
          <tbody>
            {rows.map((row, index) => (
              <VariableRow
                key={rowKey(row)}
                row={row}
                index={index}
                pinnedIndex={index < pinned.length ? index : null}
                columns={columns}
                drafts={drafts.get(rowKey(row)) ?? NO_DRAFTS}
                inherited={inherited[index] ?? inheritedByNodes}
                duplicates={duplicates.get(rowKey(row)) ?? NO_DRAFTS}
                activeColumn={active.row === index ? active.column : null}
                onType={actions === null ? null : onType}
              />
            ))}
          </tbody>
        </table>
        {nodes.length === 0 ? (
          <p className="px-4 py-6 text-sm text-ink-2">There are no PCs here yet.</p>
        ) : null}
      </section>
      {actions === null ? null : (
        <ChangeBar
          ref={bar}
          drafts={drafts}
          rows={rows}
          save={actions.save}
          words={pasteWords}
          onSaved={setDrafts}
          onDiscard={() => {
            setDrafts(new Map());
            setPasteWords("");
          }}
        />
      )}
    </div>
  );
}

function positionOf(target: EventTarget): Position | null {
  if (!(target instanceof HTMLInputElement) || target.dataset.at === undefined) return null;
  const [row = 0, column = 0] = target.dataset.at.split(":").map(Number);
  return { row, column };
}

function lostWords(rows: number, columns: number): string {
  const parts = [
    rows === 0 ? "" : rows === 1 ? "1 row" : `${rows} rows`,
    columns === 0 ? "" : columns === 1 ? "1 column" : `${columns} columns`,
  ].filter((part) => part !== "");
  return parts.length === 0 ? "" : `${parts.join(" and ")} of what was pasted did not fit.`;
}
