// How one cell looks. Shape, text and colour each tell the event; between events a line runs on at the version that is on
// the disks, hatched where that is not certain. The words beside it (cellWords) say the same to a screen reader.
import {
  BadgeCheck,
  Ban,
  Camera,
  Copy,
  LoaderCircle,
  type LucideIcon,
  Minus,
  RotateCcw,
  X,
} from "lucide-react";
import type { CellEvent, MatrixCell } from "#lib/model/matrix.ts";
import { classNames } from "../ui/class-names.ts";

interface Look {
  readonly icon: LucideIcon;
  readonly className: string;
  readonly legend: string;
}

export const EVENT_LOOKS: Readonly<Record<CellEvent, Look>> = {
  captured: { icon: Camera, className: "bg-accent-soft text-accent", legend: "Snapshot taken" },
  "rolled-back": { icon: RotateCcw, className: "bg-back-fill text-white", legend: "Rolled back" },
  cloned: { icon: Copy, className: "bg-back-fill text-white", legend: "Cloned" },
  localized: { icon: BadgeCheck, className: "bg-back-fill text-white", legend: "Localized" },
  failed: { icon: X, className: "border-2 border-bad-fill bg-bad-soft text-bad", legend: "Failed" },
  running: { icon: LoaderCircle, className: "border border-accent text-accent", legend: "Running" },
  skipped: {
    icon: Minus,
    className: "border border-dashed border-line-strong text-ink-3",
    legend: "Skipped",
  },
  cancelled: { icon: Ban, className: "border border-line-strong text-ink-3", legend: "Cancelled" },
};

export function CellMark({ cell }: { cell: MatrixCell }) {
  if (cell.event === null) return <Between cell={cell} />;
  const { icon: Icon, className } = EVENT_LOOKS[cell.event.event];
  return (
    <span
      aria-hidden
      className={classNames(
        "relative mx-0.5 flex h-6 items-center justify-center gap-1 rounded-md text-xs font-medium",
        className,
        !cell.certain && "hatched",
      )}
    >
      <Icon
        size={12}
        strokeWidth={2.25}
        className={cell.event.event === "running" ? "animate-spin motion-reduce:animate-none" : undefined}
      />
      {cell.version === null ? null : `v${cell.version.number}`}
    </span>
  );
}

/** Nothing happened in this moment: the earlier state runs on. */
function Between({ cell }: { cell: MatrixCell }) {
  if (cell.version === null) {
    return <span aria-hidden className="mx-auto block size-1 rounded-full bg-line-strong" />;
  }
  return (
    <span
      aria-hidden
      className={classNames(
        "block",
        cell.certain ? "h-0.5 bg-line-strong" : "hatched h-3 border-y border-line-strong",
      )}
    />
  );
}

export function MatrixLegend() {
  return (
    <ul className="flex flex-wrap gap-x-4 gap-y-1.5 px-4 py-3 text-xs text-ink-2">
      {Object.entries(EVENT_LOOKS).map(([event, { icon: Icon, className, legend }]) => (
        <li key={event} className="flex items-center gap-1.5">
          <span aria-hidden className={classNames("grid size-5 place-items-center rounded", className)}>
            <Icon size={11} strokeWidth={2.25} />
          </span>
          {legend}
        </li>
      ))}
      <li className="flex items-center gap-1.5">
        <span aria-hidden className="h-0.5 w-5 bg-line-strong" />
        Unchanged
      </li>
      <li className="flex items-center gap-1.5">
        <span aria-hidden className="hatched h-3 w-5 border-y border-line-strong" />
        Uncertain after a broken roll back
      </li>
      <li className="flex items-center gap-1.5">
        <span aria-hidden className="size-1 rounded-full bg-line-strong" />
        Never captured
      </li>
    </ul>
  );
}
