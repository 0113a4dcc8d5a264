"use client";

// The node × moment matrix, the main work screen. An ARIA grid with one tab stop: arrows move, Enter or Space opens the
// panel of a cell (or follows a heading's link), Escape closes it and returns to the cell. Columns are moments in order,
// under the days of the viewer's own zone; the newest are scrolled into view.
import { type KeyboardEvent, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { cellWords, decideCells, type MatrixMoment } from "#lib/model/matrix.ts";
import type { FormAction } from "../ui/form-state.ts";
import { MatrixLegend } from "./cell-mark.tsx";
import { CellPanel } from "./cell-panel.tsx";
import { MatrixHead } from "./matrix-head.tsx";
import { MatrixBodyRow } from "./matrix-row.tsx";
import type { MatrixRow, Position } from "./matrix-types.ts";
import { positionAfterKey } from "./move.ts";

export function Matrix({
  group,
  moments,
  rows,
  mayRollBack,
  planAction,
}: {
  group: { readonly id: string; readonly name: string };
  moments: readonly MatrixMoment[];
  rows: readonly MatrixRow[];
  mayRollBack: boolean;
  planAction: FormAction;
}) {
  const [active, setActive] = useState<Position>({ row: 0, column: moments.length - 1 });
  const [open, setOpen] = useState<Position | null>(null);
  const grid = useRef<HTMLTableElement>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const zone = useZone();
  const cells = useMemo(
    () => rows.map((row) => decideCells(row.before, moments, row.events)),
    [rows, moments],
  );
  const newest = moments.at(-1)?.id;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new newest moment is the reason to scroll.
  useEffect(() => {
    if (scroller.current) scroller.current.scrollLeft = scroller.current.scrollWidth;
  }, [newest]);

  const focus = (at: Position) => {
    setActive(at);
    const found = grid.current?.querySelector<HTMLElement>(`[data-at="${at.row}:${at.column}"]`);
    found?.focus();
    found?.scrollIntoView({ block: "nearest", inline: "nearest" });
  };
  const close = () => {
    if (open !== null) focus(open);
    setOpen(null);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape" && open !== null) {
      event.preventDefault();
      close();
      return;
    }
    const size = { rows: rows.length, columns: moments.length };
    const next = positionAfterKey(event.key, event.ctrlKey || event.metaKey, active, size);
    if (next === null) return;
    event.preventDefault();
    focus(next);
  };
  const choose = (at: Position) => {
    setActive(at);
    setOpen(at);
  };
  const chosen = chosenAt(open, rows, moments, cells);
  return (
    <div className="lg:flex">
      <div className="min-w-0 flex-1">
        <div ref={scroller} className="max-h-[70dvh] overflow-auto overscroll-x-contain">
          <table
            ref={grid}
            // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: the ARIA grid pattern on a real table.
            role="grid"
            aria-label={`History of ${group.name}`}
            aria-rowcount={rows.length + 1}
            aria-colcount={moments.length + 1}
            className="w-full border-separate border-spacing-0 text-sm"
            onKeyDown={onKeyDown}
          >
            <MatrixHead moments={moments} zone={zone} active={active} onFocus={setActive} />
            <tbody>
              {rows.map((row, index) => (
                <MatrixBodyRow
                  key={row.nodeId}
                  row={row}
                  index={index}
                  moments={moments}
                  cells={cells[index] ?? []}
                  activeColumn={active.row === index ? active.column : null}
                  openColumn={open?.row === index ? open.column : null}
                  wordsOf={(moment, cell) =>
                    `${row.name}, ${momentText(moment, zone)}: ${cellWords(cell, row.name)}`
                  }
                  onFocus={setActive}
                  onChoose={choose}
                />
              ))}
            </tbody>
          </table>
        </div>
        <MatrixLegend />
      </div>
      {chosen === null ? null : (
        <CellPanel
          chosen={chosen}
          group={group}
          momentText={momentText(chosen.moment, zone)}
          mayRollBack={mayRollBack}
          planAction={planAction}
          onClose={close}
        />
      )}
    </div>
  );
}

function chosenAt(
  at: Position | null,
  rows: readonly MatrixRow[],
  moments: readonly MatrixMoment[],
  cells: readonly ReturnType<typeof decideCells>[],
) {
  if (at === null) return null;
  const row = rows[at.row];
  const moment = moments[at.column];
  const cell = cells[at.row]?.[at.column];
  return row === undefined || moment === undefined || cell === undefined ? null : { row, moment, cell };
}

function momentText(moment: MatrixMoment, zone: string | undefined): string {
  const format = new Intl.DateTimeFormat("en-GB", {
    weekday: "short",
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
    timeZone: zone,
  });
  return format.format(new Date(moment.at));
}

/** UTC while the server draws, then the viewer's own. */
function useZone(): string | undefined {
  return useSyncExternalStore<string | undefined>(
    () => () => undefined,
    () => undefined,
    () => "UTC",
  );
}
