"use client";

// Logical, deduplicated, compressed and stored bytes over time. Lines step, because sizes change at snapshots and not in
// between; each line has its own dash as well as colour. A logarithmic scale can be chosen, since logical bytes dwarf the rest.
import { useState } from "react";
import { CartesianGrid, Line, LineChart, ResponsiveContainer, Tooltip, XAxis, YAxis } from "recharts";
import { formatBytes } from "#lib/model/units.ts";
import { ByteCount } from "../ui/byte-count.tsx";
import { LocalTime } from "../ui/local-time.tsx";
import { HeadRow, Row, Table, Td, Th } from "../ui/table.tsx";
import { useInBrowser } from "../use-in-browser.ts";
import { byteTicks, SERIES, type StorageSizes, tickText } from "./chart-parts.ts";

export interface StorageSample extends StorageSizes {
  readonly at: string;
  readonly snapshotCount: number;
}

const TABLE_ROWS_MAX = 12;

export function StorageOverTime({ samples }: { samples: readonly StorageSample[] }) {
  const [logarithmic, setLogarithmic] = useState(false);
  return (
    <div>
      <div className="mb-3 flex flex-wrap items-center justify-between gap-3">
        <Legend />
        <label className="flex items-center gap-2 text-sm text-ink-2">
          <input
            type="checkbox"
            checked={logarithmic}
            onChange={(event) => setLogarithmic(event.currentTarget.checked)}
            className="accent-accent-fill"
          />
          Logarithmic
        </label>
      </div>
      <Chart samples={samples} logarithmic={logarithmic} />
      <details className="mt-3">
        <summary className="text-sm text-ink-2">As a table</summary>
        <SampleTable samples={samples} />
      </details>
    </div>
  );
}

function Legend() {
  return (
    <ul className="flex flex-wrap gap-x-4 gap-y-1 text-xs text-ink-2">
      {SERIES.map((series) => (
        <li key={series.key} className="flex items-center gap-1.5">
          <svg aria-hidden="true" width="22" height="6">
            <line
              x1="0"
              y1="3"
              x2="22"
              y2="3"
              stroke={series.color}
              strokeWidth="2"
              strokeDasharray={series.dash}
            />
          </svg>
          {series.label}
        </li>
      ))}
    </ul>
  );
}

function Chart({ samples, logarithmic }: { samples: readonly StorageSample[]; logarithmic: boolean }) {
  const inBrowser = useInBrowser();
  const points = samples.map((sample) => ({ ...sample, atMs: Date.parse(sample.at) }));
  const first = points[0]?.atMs ?? 0;
  const spanMs = (points.at(-1)?.atMs ?? 0) - first;
  const max = points.reduce((largest, point) => Math.max(largest, point.logicalBytes), 0);
  const ticks = byteTicks(max);
  const axisTime = (atMs: number) => axisText(atMs, spanMs);
  // Its size is only known in the browser, and its times only there have a zone.
  if (!inBrowser) return <div className="h-72" />;
  return (
    <div className="h-72 text-xs" role="img" aria-label="Sizes over time; the table below has the figures">
      <ResponsiveContainer width="100%" height="100%">
        <LineChart
          data={points}
          margin={{ top: 8, right: 12, bottom: 0, left: 4 }}
          accessibilityLayer={false}
        >
          <CartesianGrid stroke="var(--line)" vertical={false} />
          <XAxis
            dataKey="atMs"
            type="number"
            scale="time"
            domain={["dataMin", "dataMax"]}
            tickFormatter={axisTime}
            stroke="var(--ink-3)"
            tickLine={false}
            minTickGap={40}
          />
          <YAxis
            width={68}
            tickFormatter={tickText}
            stroke="var(--ink-3)"
            tickLine={false}
            axisLine={false}
            {...(logarithmic
              ? { scale: "log" as const, domain: ["auto", "auto"], allowDataOverflow: true }
              : { domain: [0, ticks.at(-1) ?? 1], ticks })}
          />
          <Tooltip
            isAnimationActive={false}
            contentStyle={{
              background: "var(--raised)",
              border: "1px solid var(--line-strong)",
              borderRadius: 8,
            }}
            labelStyle={{ color: "var(--ink-2)" }}
            itemStyle={{ color: "var(--ink)" }}
            labelFormatter={(atMs) => fullTime(Number(atMs))}
            formatter={(bytes, name) => [formatBytes(Number(bytes)), String(name)]}
          />
          {SERIES.map((series) => (
            <Line
              key={series.key}
              dataKey={series.key}
              name={series.label}
              type="stepAfter"
              stroke={series.color}
              strokeDasharray={series.dash}
              strokeWidth={2}
              dot={points.length < 2}
              isAnimationActive={false}
            />
          ))}
        </LineChart>
      </ResponsiveContainer>
    </div>
  );
}

function SampleTable({ samples }: { samples: readonly StorageSample[] }) {
  const newest = samples.slice(-TABLE_ROWS_MAX).reverse();
  return (
    <div className="-mx-4 mt-2 border-t border-line">
      <Table label="Sizes over time">
        <HeadRow>
          <Th>At</Th>
          <Th className="text-right">Snapshots</Th>
          {SERIES.map((series) => (
            <Th key={series.key} className="text-right">
              {series.label}
            </Th>
          ))}
        </HeadRow>
        <tbody>
          {newest.map((sample) => (
            <Row key={sample.at}>
              <Td className="text-ink-2">
                <LocalTime iso={sample.at} />
              </Td>
              <Td className="text-right">{sample.snapshotCount}</Td>
              {SERIES.map((series) => (
                <Td key={series.key} className="text-right">
                  <ByteCount bytes={sample[series.key]} />
                </Td>
              ))}
            </Row>
          ))}
        </tbody>
      </Table>
    </div>
  );
}

const DAY_MS = 24 * 3_600_000;

function axisText(atMs: number, spanMs: number): string {
  const options: Intl.DateTimeFormatOptions =
    spanMs < 2 * DAY_MS
      ? { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }
      : { day: "numeric", month: "short" };
  return new Intl.DateTimeFormat("en-GB", options).format(new Date(atMs));
}

function fullTime(atMs: number): string {
  return new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" }).format(new Date(atMs));
}
