// A titled surface. Every block of a page is one, so that headings form an outline a screen reader can walk.
import type { ReactNode } from "react";
import { classNames } from "./class-names.ts";

export function Card({
  title,
  aside,
  children,
  flush = false,
  id,
}: {
  title?: string;
  /** What stands at the right of the title: a link, a count, a button. */
  aside?: ReactNode;
  children: ReactNode;
  /** No inner padding: for tables and lists that draw their own rows. */
  flush?: boolean;
  id?: string;
}) {
  return (
    <section id={id} className="min-w-0 overflow-hidden rounded-lg border border-line bg-surface">
      {title === undefined ? null : (
        <header className="flex min-h-11 flex-wrap items-center justify-between gap-x-4 gap-y-1 border-b border-line px-4 py-2">
          <h2 className="text-base">{title}</h2>
          {aside === undefined ? null : <div className="text-sm text-ink-2">{aside}</div>}
        </header>
      )}
      <div className={classNames(!flush && "p-4")}>{children}</div>
    </section>
  );
}

/** A figure with its name: the small facts at the top of a page. */
export function Fact({ label, children, note }: { label: string; children: ReactNode; note?: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="text-xs text-ink-3">{label}</dt>
      <dd className="mt-0.5 text-lg font-medium">{children}</dd>
      {note === undefined ? null : <dd className="text-xs text-ink-3">{note}</dd>}
    </div>
  );
}

export function Facts({ children }: { children: ReactNode }) {
  return <dl className="grid grid-cols-2 gap-x-6 gap-y-4 sm:grid-cols-3 lg:grid-cols-6">{children}</dl>;
}
