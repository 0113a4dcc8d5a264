"use client";

// One chart of an evaluation: grouped bars or curves over a few named places, its legend, the same figures as a table, and where they
// come from. Series differ by dash (curves) and hatching (bars) as well as by colour.
import type { ReactNode } from "react";
import {
  Bar,
  BarChart,
  CartesianGrid,
  Line,
  LineChart,
  ResponsiveContainer,
  Tooltip,
  XAxis,
  YAxis,
} from "recharts";
import { formatBytes, formatShare } from "#lib/model/units.ts";
import { HeadRow, Row, Table, Td, Th } from "../ui/table.tsx";
import { useInBrowser } from "../use-in-browser.ts";
import { byteTicks, tickText } from "./chart-parts.ts";
import type { Point } from "./evaluation-series.ts";

export interface FigureSeries {
  readonly key: string;
  readonly label: string;
  readonly color: string;
  readonly dash: string | undefined;
}

export interface FigureChartProps {
  readonly title: string;
  /** What the y axis counts: bytes, or a share from 0 to 1. */
  readonly unit: "bytes" | "share";
  readonly shape: "bars" | "curves";
  /** Of the x axis: "Block size". */
  readonly place: string;
  readonly points: readonly Point[];
  readonly series: readonly FigureSeries[];
  readonly source: ReactNode;
}

const SHARE_TICKS = [0, 0.25, 0.5, 0.75, 1];
const TOOLTIP = {
  contentStyle: { background: "var(--raised)", border: "1px solid var(--line-strong)", borderRadius: 8 },
  labelStyle: { color: "var(--ink-2)" },
  itemStyle: { color: "var(--ink)" },
  cursor: { fill: "var(--sunken)" },
};

export function FigureChart(props: FigureChartProps) {
  const { title, unit, shape, place, points, series, source } = props;
  return (
    <figure className="min-w-0">
      <figcaption className="text-sm font-medium">
        {title}
        <span className="ml-2 text-xs font-normal text-ink-3">
          {unit === "bytes" ? "bytes, binary units" : "percent"} by {place.toLowerCase()}
        </span>
      </figcaption>
      <Legend series={series} shape={shape} />
      <Chart {...props} />
      <details className="mt-2">
        <summary className="text-sm text-ink-2">As a table</summary>
        <div className="mt-2 rounded-md border border-line">
          <Table label={title}>
            <HeadRow>
              <Th>{place}</Th>
              {series.map(({ key, label }) => (
                <Th key={key} className="text-right">
                  {label}
                </Th>
              ))}
            </HeadRow>
            <tbody>
              {points.map((point) => (
                <Row key={point.label}>
                  <Td className="whitespace-nowrap font-medium">{point.label}</Td>
                  {series.map(({ key }) => (
                    <Td key={key} className="whitespace-nowrap text-right">
                      {textOf(point.values[key], unit)}
                    </Td>
                  ))}
                </Row>
              ))}
            </tbody>
          </Table>
        </div>
      </details>
      <p className="mt-2 text-xs text-ink-3">{source}</p>
    </figure>
  );
}

function textOf(value: number | undefined, unit: FigureChartProps["unit"]): string {
  if (value === undefined) return "–";
  return unit === "bytes" ? formatBytes(value) : formatShare(value, 1);
}

function Legend({ series, shape }: Pick<FigureChartProps, "series" | "shape">) {
  return (
    <ul className="mt-1.5 flex flex-wrap gap-x-4 gap-y-1 text-xs text-ink-2">
      {series.map(({ key, label, color, dash }, index) => (
        <li key={key} className="flex items-center gap-1.5">
          {shape === "curves" ? (
            <svg aria-hidden="true" width="22" height="6">
              <line x1="0" y1="3" x2="22" y2="3" stroke={color} strokeWidth="2" strokeDasharray={dash} />
            </svg>
          ) : (
            <svg aria-hidden="true" width="12" height="12">
              <Hatching id={`legend-${key}`} index={index} color={color} />
              <rect width="12" height="12" rx="2" fill={`url(#legend-${key})`} />
            </svg>
          )}
          {label}
        </li>
      ))}
    </ul>
  );
}

function Chart({ title, unit, shape, points, series }: FigureChartProps) {
  const inBrowser = useInBrowser();
  // Its size is only known in the browser.
  if (!inBrowser) return <div className="h-60" />;
  const data = points.map(({ label, values }) => ({ label, ...values }));
  const values = points.flatMap((point) => Object.values(point.values));
  const ticks = unit === "bytes" ? byteTicks(Math.max(0, ...values)) : SHARE_TICKS;
  const lowest = Math.min(0, ...values);
  const common = { data, margin: { top: 8, right: 12, bottom: 0, left: 4 }, accessibilityLayer: false };
  const axes = (
    <>
      <CartesianGrid stroke="var(--line)" vertical={false} />
      <XAxis
        dataKey="label"
        stroke="var(--ink-3)"
        tickLine={false}
        minTickGap={8}
        padding={{ left: 8, right: 8 }}
      />
      <YAxis
        width={68}
        tickFormatter={(value: number) =>
          unit === "bytes" ? tickText(value) : `${Math.round(100 * value)} %`
        }
        stroke="var(--ink-3)"
        tickLine={false}
        axisLine={false}
        domain={[lowest, ticks.at(-1) ?? 1]}
        {...(lowest < 0 ? {} : { ticks })}
      />
      <Tooltip
        isAnimationActive={false}
        {...TOOLTIP}
        formatter={(value, name) => [textOf(Number(value), unit), String(name)]}
      />
    </>
  );
  return (
    <div className="mt-2 h-60 text-xs" role="img" aria-label={`${title}; the table below has the figures`}>
      <ResponsiveContainer width="100%" height="100%">
        {shape === "curves" ? (
          <LineChart {...common}>
            {axes}
            {series.map(({ key, label, color, dash }) => (
              <Line
                key={key}
                dataKey={key}
                name={label}
                stroke={color}
                strokeDasharray={dash}
                strokeWidth={2}
                dot={{ r: 2.5, fill: color, strokeDasharray: "0" }}
                isAnimationActive={false}
              />
            ))}
          </LineChart>
        ) : (
          <BarChart {...common} barCategoryGap="22%" barGap={2}>
            <defs>
              {series.map(({ key, color }, index) => (
                <Hatching key={key} id={`${idOf(title)}-${key}`} index={index} color={color} />
              ))}
            </defs>
            {axes}
            {series.map(({ key, label }) => (
              <Bar
                key={key}
                dataKey={key}
                name={label}
                fill={`url(#${idOf(title)}-${key})`}
                radius={[2, 2, 0, 0]}
                maxBarSize={44}
                isAnimationActive={false}
              />
            ))}
          </BarChart>
        )}
      </ResponsiveContainer>
    </div>
  );
}

/** Plain, then stripes in two directions: told apart without colours. */
function Hatching({ id, index, color }: { id: string; index: number; color: string }) {
  const turn = [0, 45, -45][index % 3] ?? 0;
  return (
    <pattern id={id} width="6" height="6" patternUnits="userSpaceOnUse" patternTransform={`rotate(${turn})`}>
      <rect width="6" height="6" fill={color} />
      {index % 3 === 0 ? null : <rect width="2" height="6" fill="var(--surface)" fillOpacity="0.45" />}
    </pattern>
  );
}

function idOf(title: string): string {
  return title.toLowerCase().replace(/[^a-z]+/g, "-");
}
