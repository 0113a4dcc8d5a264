// Growth as a picture: one curve per series over a count, on a logarithmic scale, since what is compared differs by tens of times.
// Plain SVG that follows the reader's light or dark theme, as the bars of chart.ts do.
import { escapeText, STYLE } from "./chart.ts";

export interface Curve {
  readonly name: string;
  /** "ours": drawn in the project's colour. "limit": a dashed line to hold the others against. */
  readonly role: "ours" | "peer" | "limit";
  readonly points: readonly (readonly [count: number, value: number])[];
}

export interface Curves {
  readonly title: string;
  /** What is counted from left to right. */
  readonly counted: string;
  readonly format: (value: number) => string;
  readonly curves: readonly Curve[];
}

const WIDTH = 760;
const HEIGHT = 440;
const AREA = { left: 84, right: 548, top: 56, bottom: 388 } as const;
/** Names at the curves' ends must not lie on each other. */
const NAME_GAP = 17;
const COUNT_MARKS = 5;

const CURVE_STYLE = `${STYLE}
  path.peer, path.ours, path.limit { fill: none; stroke-width: 2; stroke: #7b8794; }
  path.ours { stroke: #2f6f4f; stroke-width: 3; }
  path.limit { stroke-dasharray: 5 4; stroke: #b7791f; }
  line { stroke: #a9b4bf; stroke-width: 0.5; }
  @media (prefers-color-scheme: dark) {
    path.ours { stroke: #6bbf93; }
    path.limit { stroke: #e0b25a; }
  }`;

export function chartOfCurves({ title, counted, format, curves }: Curves): string {
  const points = curves.flatMap((curve) => curve.points);
  const countMax = Math.max(1, ...points.map(([count]) => count));
  const values = points.map(([, value]) => Math.max(1, value));
  const [low, high] = [Math.log10(Math.min(...values) / 1.3), Math.log10(Math.max(...values) * 1.3)];
  const x = (count: number) => AREA.left + ((AREA.right - AREA.left) * count) / countMax;
  const y = (value: number) =>
    AREA.bottom - ((AREA.bottom - AREA.top) * (Math.log10(Math.max(1, value)) - low)) / (high - low);
  const grid = valueMarks(low, high).map(
    (value) =>
      `<line x1="${AREA.left}" x2="${AREA.right}" y1="${y(value).toFixed(1)}" y2="${y(value).toFixed(1)}"/>` +
      `<text x="${AREA.left - 8}" y="${(y(value) + 4).toFixed(1)}" text-anchor="end">${escapeText(format(value))}</text>`,
  );
  const counts = countMarks(countMax).map(
    (count) =>
      `<text x="${x(count).toFixed(1)}" y="${AREA.bottom + 20}" text-anchor="middle">${count}</text>`,
  );
  const lines = curves.map(({ role, points: mine }) => {
    const places = mine.map(([count, value]) => `${x(count).toFixed(1)} ${y(value).toFixed(1)}`);
    return `<path class="${role}" d="M ${places.join(" L ")}"/>`;
  });
  const middle = (AREA.left + AREA.right) / 2;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeText(title)}">
<style>${CURVE_STYLE}
</style>
<rect class="page" width="${WIDTH}" height="${HEIGHT}"/>
<text class="title" x="20" y="30">${escapeText(title)}</text>
${[...grid, ...counts, ...lines, ...namesAtEnds(curves, y, format)].join("\n")}
<text x="${middle}" y="${AREA.bottom + 40}" text-anchor="middle">${escapeText(counted)}</text>
</svg>
`;
}

function namesAtEnds(
  curves: readonly Curve[],
  y: (value: number) => number,
  format: (value: number) => string,
): string[] {
  const ends = curves
    .map(({ name, points }) => ({ name, value: points.at(-1)?.[1] ?? 0 }))
    .sort((left, right) => right.value - left.value);
  let lowest = Number.NEGATIVE_INFINITY;
  return ends.map(({ name, value }) => {
    lowest = Math.max(y(value) + 4, lowest + NAME_GAP);
    return `<text x="${AREA.right + 8}" y="${lowest.toFixed(1)}">${escapeText(`${name}: ${format(value)}`)}</text>`;
  });
}

/** 1, 2 and 5 times the powers of ten. */
function valueMarks(low: number, high: number): number[] {
  const marks: number[] = [];
  for (let power = Math.floor(low); power <= high; power += 1)
    for (const factor of [1, 2, 5]) marks.push(factor * 10 ** power);
  return marks.filter((mark) => Math.log10(mark) >= low && Math.log10(mark) <= high);
}

function countMarks(countMax: number): number[] {
  const steps = Math.min(COUNT_MARKS, countMax);
  return Array.from({ length: steps + 1 }, (_, step) => Math.round((countMax * step) / steps));
}
