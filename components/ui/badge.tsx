// A state in one word: colour, shape and text together, so that none of them is the only channel.
import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import { classNames } from "./class-names.ts";

export type Tone = "neutral" | "accent" | "ok" | "warn" | "bad" | "back";

export const TONE_SOFT: Readonly<Record<Tone, string>> = {
  neutral: "bg-sunken text-ink-2",
  accent: "bg-accent-soft text-accent",
  ok: "bg-ok-soft text-ok",
  warn: "bg-warn-soft text-warn",
  bad: "bg-bad-soft text-bad",
  back: "bg-back-soft text-back",
};

export function Badge({
  tone = "neutral",
  icon: Icon,
  children,
}: {
  tone?: Tone;
  icon?: LucideIcon;
  children: ReactNode;
}) {
  return (
    <span
      className={classNames(
        "inline-flex h-5.5 items-center gap-1 whitespace-nowrap rounded-md px-1.5 text-xs font-medium",
        TONE_SOFT[tone],
      )}
    >
      {Icon ? <Icon aria-hidden size={12} strokeWidth={2.25} /> : null}
      {children}
    </span>
  );
}
