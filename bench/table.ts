// A Markdown table with one column per tool, and in the last one Sheepfold's ratio to the best peer of each row.
import { type Measured, NOISY_SHARE } from "./run-measured.ts";
import type { Tool } from "./tools/tool.ts";

export interface Row<Result> {
  readonly label: string;
  readonly value: (result: Result) => number | null;
  /** The measurements whose times make the value, to mark it when the machine was busy. */
  readonly from?: (result: Result) => readonly Measured[];
  readonly format: (value: number) => string;
  /** For speeds; elsewhere less is better. */
  readonly moreIsBetter?: boolean;
}

export const inSeconds = (value: number) => `${value.toFixed(2)} s`;
export const inMegabytes = (value: number) => `${(value / 1e6).toFixed(1)} MB`;
export const inMegabytesPerSecond = (value: number) => `${(value / 1e6).toFixed(0)} MB/s`;

export function tableOf<Result extends { readonly tool: Tool }>(
  rows: readonly Row<Result>[],
  results: readonly Result[],
): string {
  const names = results.map(({ tool }) =>
    tool.name === "sheepfold" ? tool.name : `${tool.name} ${tool.version}`,
  );
  const head = ["", ...names, "ratio"];
  const lines = rows.map((row) => {
    const cells = results.map((result) => {
      const value = row.value(result);
      if (value === null) return "-";
      const isNoisy = row.from?.(result).some(({ othersShare }) => othersShare > NOISY_SHARE);
      return `${isNoisy ? "~ " : ""}${row.format(value)}`;
    });
    const toBest = ratioToBestPeer(row, results);
    return [row.label, ...cells, toBest === null ? "-" : toBest.toFixed(2)];
  });
  const rule = head.map((_, column) => (column === 0 ? "---" : "---:"));
  return [head, rule, ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** Null when Sheepfold or every peer lacks the value. */
export function ratioToBestPeer<Result extends { readonly tool: Tool }>(
  { value, moreIsBetter = false }: Pick<Row<Result>, "value" | "moreIsBetter">,
  results: readonly Result[],
): number | null {
  const own = results.find(({ tool }) => tool.name === "sheepfold");
  const peers = results.filter((result) => result !== own).flatMap((result) => value(result) ?? []);
  const ownValue = own === undefined ? null : value(own);
  if (ownValue === null || peers.length === 0) return null;
  const best = moreIsBetter ? Math.max(...peers) : Math.min(...peers);
  return best === 0 ? null : ownValue / best;
}

export function noiseLine(measured: readonly Measured[]): string {
  const worst = Math.max(0, ...measured.map(({ othersShare }) => othersShare));
  const share = `${(100 * worst).toFixed(0)} %`;
  return worst > NOISY_SHARE
    ? `**The machine was noisy**: others used up to ${share} of its cores during a measurement. ` +
        "Times marked ~ were disturbed; CPU times and sizes are less so."
    : `The machine was quiet: others used at most ${share} of its cores during any measurement.`;
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

export function sumOrNull(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length < values.length ? null : sum(known);
}

export function maxOrNull(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length < values.length ? null : Math.max(...known);
}
