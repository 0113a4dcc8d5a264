// How long a run will take, by what earlier ones of the same kind and target took, against the end of the window it runs in. The median:
// one night in which a PC hung for hours must not move every forecast after it.
import { formatSeconds } from "#lib/model/units.ts";

export interface Forecast {
  readonly seconds: number;
  /** Of how many earlier runs it is the median. */
  readonly runCount: number;
}

/** Of how many earlier runs the forecast is the median. */
export const PAST_RUNS = 9;

/** Null without any earlier run. */
export function forecastOf(seconds: readonly number[]): Forecast | null {
  const sorted = [...seconds].sort((left, right) => left - right);
  const upper = sorted[Math.floor(sorted.length / 2)];
  if (upper === undefined) return null;
  const lower = sorted[Math.floor((sorted.length - 1) / 2)] ?? upper;
  return { seconds: (lower + upper) / 2, runCount: sorted.length };
}

export interface ForecastFit {
  readonly endsAtMs: number;
  /** By how much the window's end is missed; 0: it fits, or there is no end. */
  readonly overrunSeconds: number;
}

export function fitForecast(
  forecast: Forecast,
  beginsAtMs: number,
  windowEndsAtMs: number | null,
): ForecastFit {
  const endsAtMs = beginsAtMs + forecast.seconds * 1000;
  const overMs = windowEndsAtMs === null ? 0 : Math.max(0, endsAtMs - windowEndsAtMs);
  return { endsAtMs, overrunSeconds: overMs / 1000 };
}

/** "about 12 min 00 s by 5 earlier runs" */
export function forecastInWords({ seconds, runCount }: Forecast): string {
  const runs = runCount === 1 ? "1 earlier run" : `${runCount} earlier runs`;
  return `about ${formatSeconds(seconds)} by ${runs}`;
}
