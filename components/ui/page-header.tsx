// The top of a page: where one is, what this is, and what can be done with it.
import { ChevronRight } from "lucide-react";
import Link from "next/link";
import type { ReactNode } from "react";

export interface Crumb {
  readonly href: string;
  readonly label: string;
}

export function PageHeader({
  crumbs = [],
  title,
  meta,
  actions,
}: {
  crumbs?: readonly Crumb[];
  title: string;
  /** Badges and small facts beside the title. */
  meta?: ReactNode;
  actions?: ReactNode;
}) {
  return (
    <header className="mb-5">
      {crumbs.length === 0 ? null : (
        <nav aria-label="Breadcrumb" className="mb-1 text-xs text-ink-3">
          <ol className="flex flex-wrap items-center gap-1">
            {crumbs.map((crumb) => (
              <li key={crumb.href} className="flex items-center gap-1">
                <Link href={crumb.href} className="hover:text-ink hover:underline">
                  {crumb.label}
                </Link>
                <ChevronRight aria-hidden size={12} />
              </li>
            ))}
          </ol>
        </nav>
      )}
      <div className="flex flex-wrap items-start justify-between gap-x-6 gap-y-3">
        <div className="flex min-w-0 flex-wrap items-center gap-x-3 gap-y-1.5">
          <h1 className="min-w-0 break-words text-xl">{title}</h1>
          {meta}
        </div>
        {actions === undefined ? null : <div className="flex flex-wrap items-center gap-2">{actions}</div>}
      </div>
    </header>
  );
}
