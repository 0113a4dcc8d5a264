// Small translations shared by the *-views files: dates into ISO text, failure columns into a report,
// figures out of stored reports. Views are for reading pages only; nothing here writes.
import { type FAILURE_CODES, type FailureReport, isFailureCode } from "#lib/model/errors.ts";

const JOB_KIND_OF_ROW: Readonly<Record<JobKindRow, JobKind>> = {
  snapshot_node: "snapshot-node",
  snapshot_classroom: "snapshot-classroom",
  restore_node: "restore-node",
  roll_back_classroom: "roll-back-classroom",
  verify: "verify",
};

export function jobKindOf(row: JobKindRow): JobKind {
  return JOB_KIND_OF_ROW[row];
}

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

/** A number out of a stored report, whose fields may be missing in older rows. */
export function numberIn(report: unknown, key: string): number | null {
  if (typeof report !== "object" || report === null || !(key in report)) return null;
  const value: unknown = (report as Record<string, unknown>)[key];
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}
