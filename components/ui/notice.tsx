// Something the reader should know before going on: what happened, and what to do next.
import { CircleAlert, CircleCheck, Info, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { classNames } from "./class-names.ts";

export type NoticeTone = "info" | "ok" | "warn" | "bad";

const LOOKS = {
  info: { icon: Info, className: "border-line-strong bg-sunken text-ink", mark: "text-accent" },
  ok: { icon: CircleCheck, className: "border-ok/40 bg-ok-soft text-ink", mark: "text-ok" },
  warn: { icon: TriangleAlert, className: "border-warn/40 bg-warn-soft text-ink", mark: "text-warn" },
  bad: { icon: CircleAlert, className: "border-bad/40 bg-bad-soft text-ink", mark: "text-bad" },
} as const;

export function Notice({
  tone = "info",
  title,
  hint,
  children,
}: {
  tone?: NoticeTone;
  title: string;
  hint?: string | null;
  children?: ReactNode;
}) {
  const { icon: Icon, className, mark } = LOOKS[tone];
  return (
    <div
      role={tone === "bad" ? "alert" : "status"}
      className={classNames("flex gap-2.5 rounded-md border px-3 py-2.5 text-sm", className)}
    >
      <Icon aria-hidden size={16} className={classNames("mt-0.5 shrink-0", mark)} />
      <div className="min-w-0 flex-1">
        <p className="break-words font-medium">{title}</p>
        {hint ? <p className="mt-0.5 break-words text-ink-2">{hint}</p> : null}
        {children === undefined ? null : <div className="mt-2">{children}</div>}
      </div>
    </div>
  );
}
