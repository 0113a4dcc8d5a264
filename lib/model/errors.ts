// CodedError is the shape of every failure we expect and name: what happened (message, for operators), a
// stable code (for programs and for the words a teacher reads), what to do next (hint), and whether trying
// again can help (retry). Codes are listed once, here; docs/failure-codes.md explains each.

/** "later": the queue may try again by itself. "never": a person or a changed input is needed first. */
export type RetryAdvice = "later" | "never";

export const FAILURE_CODES = [
  // The repository and its storage (S9xx in the failure taxonomy).
  "repository-missing",
  "repository-exists",
  "repository-format-newer",
  "repository-locked",
  "repository-lock-lost",
  "repository-corrupt",
  "repository-closed",
  "key-missing",
  "key-wrong",
  "snapshot-unknown",
  "snapshot-ambiguous",
  "snapshot-corrupt",
  "snapshot-pinned",
  "already-released",
  "release-unknown",
  "snapshot-in-use",
  "snapshot-is-base",
  "pack-corrupt",
  "pack-missing",
  "page-corrupt",
  "storage-full",
  "storage-failed",
  // Sources and targets (P3xx, D5xx).
  "source-missing",
  "source-changed-size",
  "source-read-failed",
  "target-missing",
  "target-mounted",
  "target-too-small",
  "target-other-purpose",
  "target-write-failed",
  "disk-mismatch",
  "layout-mismatch",
  "layout-unreadable",
  "recipe-refused",
  // Transfer between agent and gateway (T4xx).
  "protocol-violation",
  "page-hash-mismatch",
  "agent-unreachable",
  "agent-lost",
  "server-unreachable",
  // Identity and trust (I2xx).
  "not-signed-in",
  "not-permitted",
  "enrolment-pending",
  "enrolment-refused",
  "enrolment-too-many",
  "certificate-mismatch",
  // People.
  "user-unknown",
  "last-admin",
  // Wishes and jobs.
  "input-invalid",
  "node-unknown",
  "classroom-unknown",
  "job-unknown",
  "plan-expired",
  "plan-changed",
  "plan-unknown",
  "confirmation-mismatch",
  "node-busy",
  "node-offline",
  "nothing-to-restore",
  "localization-refused",
  "identity-duplicate",
  "variable-missing",
  "variable-unknown",
  "secret-unreadable",
  "job-cancelled",
  "job-partly-failed",
  "schedule-unknown",
  "schedule-busy",
  "recipient-unknown",
  "delivery-refused",
  "worker-lost",
  // What Sheepfold stands on.
  "database-unavailable",
  "environment-invalid",
  "internal",
] as const;
export type FailureCode = (typeof FAILURE_CODES)[number];

export interface CodedErrorOptions {
  /** What the reader should do next, one imperative sentence. */
  readonly hint?: string;
  readonly retry?: RetryAdvice;
  /** Plain values for programs and logs: sizes in bytes, ids, paths. */
  readonly facts?: Readonly<Record<string, string | number | boolean | null>>;
  readonly cause?: unknown;
}

export class CodedError extends Error {
  override readonly name: string = "CodedError";
  readonly code: FailureCode;
  readonly hint: string | null;
  readonly retry: RetryAdvice;
  readonly facts: Readonly<Record<string, string | number | boolean | null>>;

  constructor(code: FailureCode, message: string, options: CodedErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint ?? null;
    this.retry = options.retry ?? "never";
    this.facts = options.facts ?? {};
  }
}

/** How a failure is stored in a row, sent over a wire and shown. */
export interface FailureReport {
  readonly code: FailureCode;
  readonly message: string;
  readonly hint: string | null;
}

/** Any thrown value as a report; an unnamed one is our bug or our missing name, and says so by its code. */
export function failureReportOf(thrown: unknown): FailureReport {
  if (thrown instanceof CodedError) return { code: thrown.code, message: thrown.message, hint: thrown.hint };
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return {
    code: "internal",
    message,
    hint: "Look at the log of the process that failed for the full trace.",
  };
}

export function isFailureCode(text: string): text is FailureCode {
  return (FAILURE_CODES as readonly string[]).includes(text);
}
