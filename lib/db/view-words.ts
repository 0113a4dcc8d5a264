// Small translations shared by the *-views files: dates into ISO text, failure columns into a report,
// figures out of stored reports. Views are for reading pages only; nothing here writes.
import { type FailureReport, isFailureCode } from "#lib/model/errors.ts";

export function isoOrNull(date: Date | null): string | null {
  return date === null ? null : date.toISOString();
}

interface FailureColumns {
  readonly failureCode: string | null;
  readonly failureMessage: string | null;
  readonly failureHint: string | null;
}

export function failureOf(row: FailureColumns): FailureReport | null {
  if (row.failureCode === null) return null;
  const code = isFailureCode(row.failureCode) ? row.failureCode : "internal";
  return { code, message: row.failureMessage ?? row.failureCode, hint: row.failureHint };
}

/** A figure out of a task's stored report: given for the whole, or the sum over its images. Older rows may lack it. */
export function numberIn(report: unknown, key: string): number | null {
  if (typeof report !== "object" || report === null) return null;
  const whole = numberAt(report, key);
  if (whole !== null) return whole;
  const images: unknown = Reflect.get(report, "images");
  if (!Array.isArray(images)) return null;
  const figures = images.map((image) => numberAt(image, key)).filter((figure) => figure !== null);
  return figures.length === 0 ? null : figures.reduce((sum, figure) => sum + figure, 0);
}

function numberAt(holder: unknown, key: string): number | null {
  if (typeof holder !== "object" || holder === null) return null;
  const value: unknown = Reflect.get(holder, key);
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** The words a person gave a job, out of its options. */
export function commentIn(options: unknown): string {
  if (typeof options !== "object" || options === null) return "";
  const comment: unknown = Reflect.get(options, "comment");
  return typeof comment === "string" ? comment : "";
}

/** The part of a report that has this name; null when there is none. */
export function partOf(report: unknown, name: string): unknown {
  if (typeof report !== "object" || report === null) return null;
  return (report as Record<string, unknown>)[name] ?? null;
}
