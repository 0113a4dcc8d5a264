// The result of an image set as Markdown and as a chart: what every tool cost, Sheepfold's ratio to the best peer and to
// the machine's own limits, and whether the promises are met. A ratio above 1 is worse than the other.

import type { Panel } from "./chart.ts";
import { type Claim, claimTable, ratio, times } from "./claim.ts";
import type { Difference } from "./differing-bytes.ts";
import type { Limits } from "./limits.ts";
import { limitLine, machineLine } from "./machine.ts";
import type { ToolResult } from "./measure-tool.ts";
import type { ImageSet } from "./sets/image-set.ts";
import {
  inMegabytes,
  inMegabytesPerSecond,
  inSeconds,
  maxOrNull,
  noiseLine,
  type Row,
  ratioToBestPeer,
  sum,
  sumOrNull,
  tableOf,
} from "./table.ts";

export interface BenchRun {
  readonly set: string;
  readonly images: ImageSet;
  readonly limits: Limits;
  readonly difference: Difference;
  readonly results: readonly ToolResult[];
  readonly missing: readonly string[];
}

const totalSeconds = (r: ToolResult) => sum(r.archives.map(({ seconds }) => seconds));
const peakBytes = (r: ToolResult) => maxOrNull([...r.archives, r.again].map((each) => each.peakBytes));
const repositoryBytes = (r: ToolResult) => r.sizes.at(-1) ?? null;

export function report(bench: BenchRun): string {
  const { images, results, missing, limits, difference, set } = bench;
  const used = images.usedBytes;
  return `${[
    `# Benchmark: ${set}`,
    `${upperFirst(images.what)}: ${images.generations.length} generations of ${inMegabytes(images.sizeBytes)}, of which the ` +
      `file system uses ${inMegabytes(used.first)} at first and ${inMegabytes(used.last)} at last. Warm cache, one run, one tool ` +
      "after the other. Every restored image was compared byte for byte (partclone's: checked by e2fsck, as it leaves " +
      "out what is not in use).",
    `${machineLine()}\n${limitLine(limits, images.sizeBytes)}`,
    tableOf(rowsOf(images), results),
    "Ratio: Sheepfold to the best peer of the row; below 1.00 Sheepfold is better (of MB/s: above). How the tools are " +
      "called and what is fair about it: docs/benchmarks.md.",
    `## Promises\n\n${claimTable(claimsOf(bench))}`,
    `Between ${images.last.name} and ${images.rollBackTo.name}, ${inMegabytes(difference.blockBytes)} differ by blocks of 4 KiB, ` +
      `${inMegabytes(difference.pageBytes)} by pages of 256 KiB.`,
    limitLines(bench),
    missing.length > 0 ? `Not installed, so not measured: ${missing.join("; ")}.` : "",
    noiseLine(results.flatMap((r) => [...r.archives, r.again, r.full, r.rollBack])),
  ]
    .filter((part) => part !== "")
    .join("\n\n")}\n`;
}

function rowsOf(images: ImageSet): Row<ToolResult>[] {
  const archives = images.generations.map(
    ({ name, what }, index): Row<ToolResult> => ({
      label: `archive ${name}: ${what}`,
      value: (r) => r.archives[index]?.seconds ?? null,
      from: (r) => r.archives.slice(index, index + 1),
      format: inSeconds,
    }),
  );
  const totalBytes = images.sizeBytes * images.generations.length;
  return [
    ...archives,
    { label: "archive, all together", value: totalSeconds, from: (r) => r.archives, format: inSeconds },
    {
      label: "… speed",
      value: (r) => totalBytes / totalSeconds(r),
      from: (r) => r.archives,
      format: inMegabytesPerSecond,
      moreIsBetter: true,
    },
    {
      label: "… CPU",
      value: (r) => sumOrNull(r.archives.map(({ cpuSeconds }) => cpuSeconds)),
      format: inSeconds,
    },
    { label: "archive, peak memory", value: peakBytes, format: inMegabytes },
    {
      label: `archive ${images.last.name} unchanged again`,
      value: (r) => r.again.seconds,
      from: (r) => [r.again],
      format: inSeconds,
    },
    { label: "… adds", value: (r) => r.againBytes, format: inMegabytes },
    {
      label: `repository after ${images.generations[0]?.name}`,
      value: (r) => r.sizes[0] ?? null,
      format: inMegabytes,
    },
    { label: "repository after all", value: repositoryBytes, format: inMegabytes },
    { label: "… after the night job", value: (r) => r.shrunk?.bytes ?? null, format: inMegabytes },
    { label: "night job takes", value: (r) => r.shrunk?.seconds ?? null, format: inSeconds },
    ...restoreRows(images, "full", `restore ${images.last.name} to a new file`),
    ...restoreRows(images, "rollBack", `restore ${images.rollBackTo.name} over it`),
    { label: "… writes", value: (r) => r.rollBackWrittenBytes, format: inMegabytes },
  ];
}

function restoreRows(
  images: ImageSet,
  which: "full" | "rollBack",
  label: string,
): readonly Row<ToolResult>[] {
  const flush = which === "full" ? "fullFlush" : "rollBackFlush";
  return [
    { label, value: (r) => r[which].seconds, from: (r) => [r[which]], format: inSeconds },
    {
      label: "… and flushed",
      value: (r) => r[which].seconds + r[flush].seconds,
      from: (r) => [r[which], r[flush]],
      format: inSeconds,
    },
    {
      label: "… speed",
      value: (r) => images.sizeBytes / r[which].seconds,
      from: (r) => [r[which]],
      format: inMegabytesPerSecond,
      moreIsBetter: true,
    },
    { label: "… CPU", value: (r) => r[which].cpuSeconds, format: inSeconds },
    { label: "… peak memory", value: (r) => r[which].peakBytes, format: inMegabytes },
  ];
}

function claimsOf({ results, limits, difference, images }: BenchRun): Claim[] {
  const own = results.find(({ tool }) => tool.name === "sheepfold");
  const borg = results.find(({ tool }) => tool.name === "borg-fixed");
  const toBorg = (value: (r: ToolResult) => number) =>
    ratio(own === undefined ? null : value(own), borg === undefined ? null : value(borg));
  const exact = results.filter(({ tool }) => tool.keepsEveryByte);
  const smallest = ratioToBestPeer({ value: repositoryBytes }, exact);
  const ownBytes = own === undefined ? null : repositoryBytes(own);
  const shrunkShare = ratio(own?.shrunk?.bytes, ownBytes);
  const restore = ratioToBestPeer({ value: (r) => r.full.seconds }, exact);
  const roll = `roll back ${images.last.name} → ${images.rollBackTo.name}`;
  return [
    { text: "archive all, to borg-fixed", value: toBorg(totalSeconds), atMost: 0.45, format: times },
    {
      text: "archive unchanged, to borg-fixed",
      value: toBorg((r) => r.again.seconds),
      atMost: 0.45,
      format: times,
    },
    {
      text: "archive unchanged, to reading and SHA-256 of what is not zero on all cores",
      value: ratio(own?.again.seconds, limits.hashSeconds),
      atMost: 1.6,
      format: times,
    },
    { text: "repository, to the smallest peer", value: smallest, atMost: 0.9, format: times },
    {
      text: "repository after the night job, to the smallest peer",
      value: smallest === null || shrunkShare === null ? null : smallest * shrunkShare,
      atMost: 0.82,
      format: times,
    },
    { text: "restore to a new file, to the fastest peer", value: restore, atMost: 0.5, format: times },
    {
      text: `${roll}: written, to differing blocks of 4 KiB`,
      value: ratio(own?.rollBackWrittenBytes, difference.blockBytes),
      atMost: 1.02,
      format: times,
    },
    {
      text: `${roll}: written, to differing pages of 256 KiB`,
      value: ratio(own?.rollBackWrittenBytes, difference.pageBytes),
      atMost: 1.02,
      format: times,
    },
    {
      text: `${roll}: time, to reading and hashing the target on all cores`,
      value: ratio(own?.rollBack.seconds, limits.hashSeconds),
      atMost: 1.3,
      format: times,
    },
    {
      text: "archive, peak memory",
      value: own === undefined ? null : peakBytes(own),
      atMost: 400e6,
      format: inMegabytes,
    },
  ];
}

function limitLines({ limits, results }: BenchRun): string {
  const own = results.find(({ tool }) => tool.name === "sheepfold");
  if (own === undefined) return "";
  const to = (seconds: number, limit: number) => `${(seconds / limit).toFixed(2)} ×`;
  const zstd = limits.zstdSeconds;
  const last = own.archives.at(-1)?.seconds ?? 0;
  return (
    `Distance to the limits: the unchanged archive took ${to(own.again.seconds, limits.readSeconds)} reading alone and ` +
    `${to(own.again.seconds, limits.hashSeconds)} reading and hashing; the last archive ` +
    `${zstd === null ? "" : `${to(last, zstd)} zstd alone, `}${to(last, limits.hashSeconds)} reading and hashing; the ` +
    `full restore ${to(own.full.seconds, limits.readSeconds)} reading alone.`
  );
}

export function panelsOf({ results, images }: BenchRun): Panel[] {
  const panel = (title: string, value: (r: ToolResult) => number | null, format: Panel["format"]): Panel => ({
    title,
    format,
    bars: results.map((r) => ({ name: r.tool.name, value: value(r) })),
  });
  return [
    panel("Archive of all, seconds", totalSeconds, inSeconds),
    panel("Archive unchanged again, seconds", (r) => r.again.seconds, inSeconds),
    panel(
      "Archive of all, speed",
      (r) => (images.sizeBytes * images.generations.length) / totalSeconds(r),
      inMegabytesPerSecond,
    ),
    panel("Archive, peak memory", peakBytes, inMegabytes),
    panel("Repository after all", repositoryBytes, inMegabytes),
    panel(`Restore ${images.last.name} to a new file, seconds`, (r) => r.full.seconds, inSeconds),
    panel(`Restore ${images.rollBackTo.name} over it, seconds`, (r) => r.rollBack.seconds, inSeconds),
  ];
}

function upperFirst(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
