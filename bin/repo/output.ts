// Where the program's words go. Results go to stdout, everything else (progress, notices, errors) to stderr.
// With --json stdout holds one JSON value and nothing else, and stderr holds one JSON object per line.

import type { Progress } from "#lib/engine/repository.ts";
import { formatBytes, formatSeconds } from "#lib/model/units.ts";

export interface OutputOptions {
  readonly json?: boolean;
  readonly progress?: boolean;
}

/** What a person or a program reads about a failure. */
export interface ErrorLine {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
}

const REDRAW_MS = 200;
const BAR_CHARACTERS = 24;
/** Weight of the newest measurement in the shown rate: smooth enough to read, quick enough to show a slow disk. */
const RATE_WEIGHT = 0.15;

export class Output {
  readonly #json: boolean;
  readonly #progress: "bar" | "lines" | "none";
  #barShown = false;
  #startedMs = 0;
  #last: { atMs: number; doneBytes: number; bytesPerSecond: number | null } | null = null;

  constructor(options: OutputOptions) {
    this.#json = options.json === true;
    const wanted = options.progress ?? (process.stderr.isTTY === true && !this.#json);
    this.#progress = !wanted ? "none" : process.stderr.isTTY && !this.#json ? "bar" : "lines";
  }

  /** The one result: `value` for programs, `text` for people. */
  result(value: unknown, text: () => string): void {
    this.#clearBar();
    process.stdout.write(`${this.#json ? JSON.stringify(value) : text()}\n`);
  }

  notice(code: string, message: string): void {
    this.#clearBar();
    process.stderr.write(
      this.#json ? `${JSON.stringify({ notice: code, message })}\n` : `Note: ${message}\n`,
    );
  }

  error({ code, message, hint }: ErrorLine): void {
    this.#clearBar();
    if (this.#json) process.stderr.write(`${JSON.stringify({ code, message, hint })}\n`);
    else process.stderr.write(`Error: ${message}\n${hint === null ? "" : `  ${hint}\n`}`);
  }

  /** Starts a new measure of rate: one program may do two long things. */
  beginProgress(): (progress: Progress) => void {
    this.#startedMs = performance.now();
    this.#last = null;
    return (progress) => this.#show(progress);
  }

  endProgress(): void {
    this.#clearBar();
  }

  #show({ doneBytes, totalBytes }: Progress): void {
    if (this.#progress === "none") return;
    const nowMs = performance.now();
    if (this.#last !== null && nowMs - this.#last.atMs < REDRAW_MS && doneBytes < totalBytes) return;
    const bytesPerSecond = this.#rate(nowMs, doneBytes);
    this.#last = { atMs: nowMs, doneBytes, bytesPerSecond };
    if (this.#progress === "bar") this.#draw(progressLine({ doneBytes, totalBytes }, bytesPerSecond));
    else if (this.#json) process.stderr.write(`${JSON.stringify({ progress: { doneBytes, totalBytes } })}\n`);
    else process.stderr.write(`${progressLine({ doneBytes, totalBytes }, bytesPerSecond)}\n`);
  }

  #rate(nowMs: number, doneBytes: number): number | null {
    const since = this.#last ?? { atMs: this.#startedMs, doneBytes: 0, bytesPerSecond: null };
    const elapsedMs = nowMs - since.atMs;
    if (elapsedMs < 1) return since.bytesPerSecond;
    const newest = (1000 * (doneBytes - since.doneBytes)) / elapsedMs;
    return since.bytesPerSecond === null
      ? newest
      : since.bytesPerSecond + RATE_WEIGHT * (newest - since.bytesPerSecond);
  }

  #draw(line: string): void {
    const width = process.stderr.columns ?? 80;
    process.stderr.write(`\r\u001b[K${line.slice(0, width - 1)}`);
    this.#barShown = true;
  }

  #clearBar(): void {
    if (this.#barShown) process.stderr.write("\r\u001b[K");
    this.#barShown = false;
  }
}

/** "[######------]  50 %  1.00 GiB of 2.00 GiB  500 MiB/s  2.0 s left" */
export function progressLine({ doneBytes, totalBytes }: Progress, bytesPerSecond: number | null): string {
  const share = totalBytes === 0 ? 1 : Math.min(1, doneBytes / totalBytes);
  const filled = Math.round(share * BAR_CHARACTERS);
  const bar = "#".repeat(filled) + "-".repeat(BAR_CHARACTERS - filled);
  const percent = String(Math.floor(share * 100)).padStart(3);
  const done = `[${bar}] ${percent} %  ${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`;
  if (bytesPerSecond === null || bytesPerSecond <= 0) return done;
  const left = formatSeconds(Math.max(0, totalBytes - doneBytes) / bytesPerSecond);
  return `${done}  ${formatBytes(bytesPerSecond)}/s  ${left} left`;
}

/** Rows as aligned columns. Columns named in `right` hold numbers and are aligned at the right. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly string[] = [],
) {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? "").length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => {
          const width = widths[column] ?? 0;
          return right.includes(head[column] ?? "") ? cell.padStart(width) : cell.padEnd(width);
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** "name: value" lines with the values below each other. */
export function facts(pairs: readonly (readonly [string, string])[]): string {
  const width = Math.max(...pairs.map(([name]) => name.length));
  return pairs.map(([name, value]) => `${name.padEnd(width)}  ${value}`.trimEnd()).join("\n");
}
