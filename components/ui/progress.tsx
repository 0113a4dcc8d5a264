// How far work is. Without a known total it shows that something moves and claims no share.
import { classNames } from "./class-names.ts";

export type ProgressTone = "accent" | "ok" | "bad" | "warn" | "neutral";

const FILL: Readonly<Record<ProgressTone, string>> = {
  accent: "bg-accent-fill",
  ok: "bg-ok-fill",
  bad: "bg-bad-fill",
  warn: "bg-warn-fill",
  neutral: "bg-line-strong",
};

export function Progress({
  label,
  done,
  total,
  tone = "accent",
}: {
  label: string;
  done: number;
  /** 0: not known yet. */
  total: number;
  tone?: ProgressTone;
}) {
  const share = total > 0 ? Math.min(1, done / total) : null;
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={share === null ? undefined : Math.round(share * 100)}
      className="h-1.5 w-full overflow-hidden rounded-full bg-line"
    >
      {share === null ? (
        <div className={classNames("sweeping h-full w-1/3 rounded-full", FILL[tone])} />
      ) : (
        <div
          className={classNames("h-full rounded-full transition-[width] duration-300", FILL[tone])}
          style={{ width: `${share * 100}%` }}
        />
      )}
    </div>
  );
}
