// Tables that scroll sideways inside themselves, so that a narrow screen never scrolls as a whole. The scroll box takes
// the keyboard focus, since a mouse is not the only way to scroll; it is positioned, or words for screen readers (placed absolutely)
// would stick out of the page where the table is cut off.
import type { ComponentProps, ReactNode } from "react";
import { classNames } from "./class-names.ts";

const SCROLL_BOX = "relative overflow-x-auto focus-visible:-outline-offset-2";

export function Table({ label, children }: { label: string; children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable region must be reachable by keyboard.
    <section aria-label={label} tabIndex={0} className={SCROLL_BOX}>
      <table className="w-full border-collapse text-sm">{children}</table>
    </section>
  );
}

export function HeadRow({ children }: { children: ReactNode }) {
  return (
    <thead>
      <tr className="border-b border-line text-left text-xs text-ink-3">{children}</tr>
    </thead>
  );
}

export function Th({ className, ...rest }: ComponentProps<"th">) {
  return (
    <th
      scope="col"
      className={classNames(
        "whitespace-nowrap px-3 py-2 font-medium first:pl-4 last:pr-4 sm:px-4",
        className,
      )}
      {...rest}
    />
  );
}

export function Row({ children }: { children: ReactNode }) {
  return <tr className="border-b border-line last:border-b-0 hover:bg-sunken/60">{children}</tr>;
}

export function Td({ className, ...rest }: ComponentProps<"td">) {
  return (
    <td className={classNames("px-3 py-2 align-middle first:pl-4 last:pr-4 sm:px-4", className)} {...rest} />
  );
}
