// What a run does at the end of the window it began in, by its schedule's rule.
import type { WhenOver } from "#lib/model/schedule.ts";
import { momentInWords } from "./zone.ts";

export interface Overrun {
  /** "cancel": what is under way ends, too. */
  readonly deed: "stop-starting" | "cancel";
  readonly because: string;
}

/** Null: it goes on. */
export function decideOverrun(
  run: {
    readonly whenOver: WhenOver;
    readonly windowEndsAtMs: number | null;
    readonly timeZone: string;
  },
  nowMs: number,
): Overrun | null {
  const { whenOver, windowEndsAtMs, timeZone } = run;
  if (windowEndsAtMs === null || nowMs < windowEndsAtMs || whenOver === "let-finish") return null;
  return { deed: whenOver, because: `The window ended ${momentInWords(windowEndsAtMs, timeZone)}` };
}

/** For work that can stop by itself: how long until then; null: it need not. */
export function secondsUntilOver(
  run: { readonly whenOver: WhenOver; readonly windowEndsAtMs: number | null },
  nowMs: number,
): number | null {
  if (run.windowEndsAtMs === null || run.whenOver === "let-finish") return null;
  return Math.max(1, Math.floor((run.windowEndsAtMs - nowMs) / 1000));
}
