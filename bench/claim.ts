// A claim is a figure the project promises, with its bound. Whether it is met is computed from what was measured, and a
// claim that could not be measured says so.
export interface Claim {
  readonly text: string;
  /** Null: not measured in this run. */
  readonly value: number | null;
  readonly atMost: number;
  readonly format: (value: number) => string;
}

export const times = (value: number) => `${value.toFixed(3)} ×`;

export function ratio(value: number | null | undefined, to: number | null | undefined): number | null {
  return value === null || value === undefined || to === null || to === undefined || to === 0
    ? null
    : value / to;
}

export function claimTable(claims: readonly Claim[]): string {
  const lines = claims.map(({ text, value, atMost, format }) => {
    const verdict = value === null ? "not measured" : value <= atMost ? "met" : "**not met**";
    return `| ${text} | at most ${format(atMost)} | ${value === null ? "-" : format(value)} | ${verdict} |`;
  });
  return ["| promise | bound | measured | |", "| --- | ---: | ---: | --- |", ...lines].join("\n");
}
