// The benchmark's result as Markdown: seconds and bytes of every tool, and Sheepfold's ratio to the best peer and to
// the machine's own limits. A ratio above 1 is worse than the other.
import { arch, cpus, platform, release, totalmem } from "node:os";
import { formatBytes } from "#lib/model/units.ts";
import type { ImageSet } from "./images.ts";
import type { Limits } from "./limits.ts";
import { type Measured, NOISY_SHARE } from "./run-measured.ts";
import type { Tool } from "./tools.ts";

export interface ToolResult {
  readonly tool: Tool;
  readonly archives: readonly Measured[];
  /** Of the repository after each archive. */
  readonly sizes: readonly { readonly apparentBytes: number; readonly allocatedBytes: number }[];
  readonly full: Measured;
  readonly fullFlush: Measured;
  readonly delta: Measured;
  readonly deltaFlush: Measured;
}

export interface BenchRun {
  readonly set: string;
  readonly images: ImageSet;
  readonly limits: Limits;
  readonly results: readonly ToolResult[];
  readonly missing: readonly string[];
}

interface Row {
  readonly label: string;
  readonly value: (result: ToolResult) => number | null;
  /** The measurements whose times make the value, to mark it when the machine was busy. */
  readonly from?: (result: ToolResult) => readonly Measured[];
  readonly format: (value: number) => string;
}

const seconds = (value: number) => `${value.toFixed(2)} s`;

export function report(bench: BenchRun): string {
  const { images, results, missing } = bench;
  const rows = rowsOf(images);
  return `${[
    `# Benchmark: ${bench.set}`,
    `One ext4 partition of ${formatBytes(images.sizeBytes)} with ${formatBytes(images.fileBytes)} of real files, warm cache, ` +
      "all tools in one run on one machine, one after the other. Every restored image was compared byte for byte.",
    machineLines(bench),
    tableOf(rows, results),
    "Ratio: Sheepfold to the best peer; below 1.00 Sheepfold is better. Peers read the image from stdin, as a block " +
      "device has no modification time to skip by, and cannot restore by comparison: over an older state they write " +
      "everything. Sheepfold's restore includes flushing and reading back what it wrote; for the others that is only " +
      "in the line “and flushed” (without reading back).",
    limitLines(bench),
    missing.length > 0 ? `Not installed, so not measured: ${missing.join("; ")}.` : "",
    noiseLine(results),
  ]
    .filter((part) => part !== "")
    .join("\n\n")}\n`;
}

function rowsOf(images: ImageSet): Row[] {
  const archives = images.generations.map(
    ({ name, what }, index): Row => ({
      label: `archive ${name}: ${what}`,
      value: (result) => result.archives[index]?.seconds ?? null,
      from: (result) => result.archives.slice(index, index + 1),
      format: seconds,
    }),
  );
  const unchanged = images.generations.findIndex(({ name }) => name === "unchanged");
  return [
    ...archives,
    {
      label: "archive, all together",
      value: (r) => sum(r.archives.map((a) => a.seconds)),
      from: (r) => r.archives,
      format: seconds,
    },
    {
      label: "archive, CPU of all",
      value: (r) => sumOrNull(r.archives.map((a) => a.cpuSeconds)),
      format: seconds,
    },
    {
      label: "archive, peak memory",
      value: (r) => maxOrNull(r.archives.map((a) => a.peakBytes)),
      format: formatBytes,
    },
    { label: "repository after base", value: (r) => r.sizes[0]?.apparentBytes ?? null, format: formatBytes },
    { label: "added by unchanged", value: (r) => grown(r, unchanged), format: formatBytes },
    {
      label: "repository after all",
      value: (r) => r.sizes.at(-1)?.apparentBytes ?? null,
      format: formatBytes,
    },
    {
      label: "repository, allocated",
      value: (r) => r.sizes.at(-1)?.allocatedBytes ?? null,
      format: formatBytes,
    },
    { label: "restore to a new file", value: (r) => r.full.seconds, from: (r) => [r.full], format: seconds },
    {
      label: "… and flushed",
      value: (r) => r.full.seconds + r.fullFlush.seconds,
      from: (r) => [r.full, r.fullFlush],
      format: seconds,
    },
    { label: "restore, CPU", value: (r) => r.full.cpuSeconds, format: seconds },
    { label: "restore, peak memory", value: (r) => r.full.peakBytes, format: formatBytes },
    {
      label: "restore base over the last",
      value: (r) => r.delta.seconds,
      from: (r) => [r.delta],
      format: seconds,
    },
    {
      label: "… and flushed",
      value: (r) => r.delta.seconds + r.deltaFlush.seconds,
      from: (r) => [r.delta, r.deltaFlush],
      format: seconds,
    },
  ];
}

function tableOf(rows: readonly Row[], results: readonly ToolResult[]): string {
  const names = results.map(({ tool }) =>
    tool.name === "sheepfold" ? tool.name : `${tool.name} (${tool.version})`,
  );
  const head = ["", ...names, "ratio"];
  const lines = rows.map(({ label, value, from, format }) => {
    const values = results.map(value);
    const cells = results.map((result, column) => {
      const cell = values[column] ?? null;
      if (cell === null) return "-";
      return from?.(result).some(({ othersShare }) => othersShare > NOISY_SHARE)
        ? `~ ${format(cell)}`
        : format(cell);
    });
    return [label, ...cells, ratioToBestPeer(values, results)];
  });
  const rule = head.map((_, column) => (column === 0 ? "---" : "---:"));
  return [head, rule, ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function ratioToBestPeer(values: readonly (number | null)[], results: readonly ToolResult[]): string {
  const own = values[results.findIndex(({ tool }) => tool.name === "sheepfold")] ?? null;
  const peers = values.filter((value, index) => value !== null && results[index]?.tool.name !== "sheepfold");
  if (own === null || peers.length === 0) return "-";
  const best = Math.min(...peers.map(Number));
  return best === 0 ? "-" : (own / best).toFixed(2);
}

function machineLines({ limits, images }: BenchRun): string {
  const model = cpus()[0]?.model.trim() ?? "unknown processor";
  const rate = (time: number) => `${formatBytes(images.sizeBytes / time)}/s`;
  return [
    `Machine: ${limits.coreCount} × ${model}, ${formatBytes(totalmem())}, ${platform()} ${release()} ${arch()}, ` +
      `Node ${process.versions.node}.`,
    `Its limits with the base image, measured in this run: reading ${seconds(limits.readSeconds)} (${rate(limits.readSeconds)}), ` +
      `SHA-256 of all pages on all cores ${seconds(limits.hashSeconds)} (${rate(limits.hashSeconds)}), zstd -3 on all cores ` +
      `${limits.zstdSeconds === null ? "not measured (not installed)" : `${seconds(limits.zstdSeconds)} (${rate(limits.zstdSeconds)})`}.`,
  ].join("\n");
}

function limitLines({ limits, results, images }: BenchRun): string {
  const own = results.find(({ tool }) => tool.name === "sheepfold");
  const unchanged = images.generations.findIndex(({ name }) => name === "unchanged");
  const again = own?.archives[unchanged]?.seconds;
  const base = own?.archives[0]?.seconds;
  if (own === undefined || again === undefined || base === undefined) return "";
  const floor = limits.hashSeconds + (limits.zstdSeconds ?? 0);
  const baseName = limits.zstdSeconds === null ? "SHA-256 alone" : "SHA-256 and zstd -3 after each other";
  return (
    "Against the machine's limits: archiving the base took " +
    `${(base / floor).toFixed(2)} × the time of ${baseName}; archiving it unchanged ` +
    `${(again / limits.hashSeconds).toFixed(2)} × SHA-256 on all cores; a full restore ` +
    `${(own.full.seconds / limits.readSeconds).toFixed(2)} × reading the image from memory.`
  );
}

function noiseLine(results: readonly ToolResult[]): string {
  const shares = results.flatMap((r) =>
    [...r.archives, r.full, r.delta].map(({ othersShare }) => othersShare),
  );
  const worst = Math.max(0, ...shares);
  const share = `${(100 * worst).toFixed(0)} %`;
  return worst > NOISY_SHARE
    ? `**The machine was noisy**: others used up to ${share} of its cores during a measurement. ` +
        "Times marked ~ were disturbed; CPU times and sizes are less so."
    : `The machine was quiet: others used at most ${share} of its cores during any measurement.`;
}

function grown(result: ToolResult, index: number): number | null {
  const before = result.sizes[index - 1];
  const after = result.sizes[index];
  return before === undefined || after === undefined ? null : after.apparentBytes - before.apparentBytes;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function sumOrNull(values: readonly (number | null)[]): number | null {
  return values.some((value) => value === null) ? null : sum(values.map(Number));
}

function maxOrNull(values: readonly (number | null)[]): number | null {
  return values.some((value) => value === null) ? null : Math.max(...values.map(Number));
}
