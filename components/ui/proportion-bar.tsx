// Parts of a whole as one bar with its legend in words: "29 ready, 2 behind, 1 failed", never "red if any".

import type { Tone } from "./badge.tsx";
import { classNames } from "./class-names.ts";

export interface Proportion {
  readonly label: string;
  readonly count: number;
  readonly tone: Tone;
}

export const TONE_FILL: Readonly<Record<Tone, string>> = {
  neutral: "bg-line-strong",
  accent: "bg-accent-fill",
  ok: "bg-ok-fill",
  warn: "bg-warn-fill",
  bad: "bg-bad-fill",
  back: "bg-back-fill",
};

export function ProportionBar({ parts, legend = true }: { parts: readonly Proportion[]; legend?: boolean }) {
  const shown = parts.filter((part) => part.count > 0);
  const text = shown.map((part) => `${part.count} ${part.label}`).join(", ");
  return (
    <div>
      <div
        role="img"
        aria-label={text === "" ? "nothing yet" : text}
        className="flex h-2 gap-0.5 overflow-hidden rounded-full bg-line"
      >
        {shown.map((part) => (
          <div key={part.label} className={TONE_FILL[part.tone]} style={{ flexGrow: part.count }} />
        ))}
      </div>
      {legend && shown.length > 0 ? (
        <ul className="mt-2 flex flex-wrap gap-x-3 gap-y-0.5 text-xs text-ink-2">
          {shown.map((part) => (
            <li key={part.label} className="flex items-center gap-1.5">
              <span aria-hidden className={classNames("size-2 rounded-sm", TONE_FILL[part.tone])} />
              {part.count} {part.label}
            </li>
          ))}
        </ul>
      ) : null}
    </div>
  );
}
