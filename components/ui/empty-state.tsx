// Nothing here yet, why, and the one thing to do about it.
import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";

export function EmptyState({
  icon: Icon,
  title,
  children,
  action,
}: {
  icon: LucideIcon;
  title: string;
  children: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div className="flex flex-col items-center px-4 py-10 text-center">
      <Icon aria-hidden size={28} strokeWidth={1.5} className="text-ink-3" />
      <p className="mt-3 font-medium">{title}</p>
      <div className="mt-1 max-w-md text-sm text-ink-2">{children}</div>
      {action === undefined ? null : <div className="mt-4">{action}</div>}
    </div>
  );
}
