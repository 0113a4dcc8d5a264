// When will it be done? From what was counted lately: a range, since speed over seconds and over a minute differ. Pure.
export interface Sample {
  readonly atMs: number;
  readonly bytes: number;
}

export interface SecondsLeft {
  readonly least: number;
  readonly most: number;
}

const SHORT_MS = 10_000;
/** Less says nothing. */
const SPAN_MS_MIN = 500;

/** Bytes a second over the last `windowMs` of the samples; null while they say nothing. A count that fell began anew. */
export function rateOver(samples: readonly Sample[], windowMs: number): number | null {
  const last = samples.at(-1);
  if (last === undefined) return null;
  const first = samples.find(({ atMs }) => last.atMs - atMs <= windowMs);
  if (first === undefined || last.atMs - first.atMs < SPAN_MS_MIN) return null;
  return Math.max(0, ((last.bytes - first.bytes) * 1000) / (last.atMs - first.atMs));
}

/** Until `totalBytes`; null when nothing moves or too little is known. */
export function secondsLeft(samples: readonly Sample[], totalBytes: number): SecondsLeft | null {
  const remaining = totalBytes - (samples.at(-1)?.bytes ?? 0);
  if (remaining <= 0) return { least: 0, most: 0 };
  const rates = [rateOver(samples, SHORT_MS), rateOver(samples, Number.POSITIVE_INFINITY)];
  const known = rates.filter((rate) => rate !== null && rate > 0);
  if (known.length < rates.length) return null;
  const seconds = known.map((rate) => remaining / (rate ?? 1));
  return { least: Math.min(...seconds), most: Math.max(...seconds) };
}

/** "40–55 s", "3 min", "1–2 h": in one unit, the larger end's. */
export function leftInWords({ least, most }: SecondsLeft): string {
  const [unit, seconds] = UNITS.find(([, size]) => most >= 1.5 * size) ?? ["s", 1];
  const [from, to] = [Math.max(1, Math.round(least / seconds)), Math.max(1, Math.round(most / seconds))];
  return from === to ? `${to} ${unit}` : `${from}–${to} ${unit}`;
}

const UNITS: readonly (readonly [string, number])[] = [
  ["h", 3600],
  ["min", 60],
];

/** Seconds per compared byte of restores that ended well. */
export interface RestoreSpeed {
  readonly comparedBytes: number;
  readonly seconds: number;
}

/** How long restores of such sizes side by side take, by the last ones: between the faster and the slower quarter of them; null when
 *  there are too few to tell. The largest decides. */
export function restoreEstimate(
  speeds: readonly RestoreSpeed[],
  compareBytes: readonly number[],
): SecondsLeft | null {
  const known = speeds
    .filter(({ comparedBytes, seconds }) => comparedBytes > 0 && seconds > 0)
    .map(({ comparedBytes, seconds }) => seconds / comparedBytes)
    .sort((left, right) => left - right);
  const largest = Math.max(0, ...compareBytes);
  if (known.length < SPEEDS_MIN || largest === 0) return null;
  const at = (share: number) => known[Math.floor(share * (known.length - 1))] ?? 0;
  return { least: largest * at(0.25), most: largest * at(0.75) };
}

const SPEEDS_MIN = 3;
