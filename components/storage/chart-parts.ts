// What the charts share: the series with their colours and words, and axis ticks at round binary sizes.
import { formatBytes } from "#lib/model/units.ts";

export interface StorageSizes {
  readonly logicalBytes: number;
  readonly fillBytes: number;
  readonly uniqueBytes: number;
  readonly compressedBytes: number;
  readonly storedBytes: number;
}

export const SERIES = [
  { key: "logicalBytes", label: "Logical", color: "var(--ink-3)", dash: "5 4" },
  { key: "uniqueBytes", label: "Deduplicated", color: "var(--back-fill)", dash: "2 3" },
  { key: "compressedBytes", label: "Compressed", color: "var(--ok-fill)", dash: "8 3 2 3" },
  { key: "storedBytes", label: "Stored", color: "var(--accent-fill)", dash: undefined },
] as const satisfies readonly {
  key: keyof StorageSizes;
  label: string;
  color: string;
  dash: string | undefined;
}[];

const TICKS_WANTED = 4;
const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500] as const;

/** From 0 to at least `max`, at steps that read well: 5 GiB, 10 GiB, … */
export function byteTicks(max: number): number[] {
  if (max <= 0) return [0];
  let unit = 1;
  while (max / TICKS_WANTED / unit >= 1000) unit *= 1024;
  const wanted = max / TICKS_WANTED / unit;
  const step = (STEPS.find((candidate) => candidate >= wanted) ?? 1000) * unit;
  const count = Math.ceil(max / step);
  return Array.from({ length: count + 1 }, (_, index) => index * step);
}

/** Short, for axes: "512 MiB", "1.5 GiB". */
export function tickText(bytes: number): string {
  return formatBytes(bytes)
    .replace(/\.0+ /, " ")
    .replace(/(\.\d)0 /, "$1 ");
}
