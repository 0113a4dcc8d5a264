// The exit codes of the CLI: scripts decide by them, so they are a promise. docs/cli.md and every --help show
// this table. Each failure code has its exit code decided here; a new failure code does not compile until it has.
import type { FailureCode } from "#lib/model/errors.ts";

export const EXIT = {
  ok: 0,
  internal: 1,
  usage: 2,
  damage: 3,
  refused: 4,
  notFound: 5,
  unreadable: 6,
  storage: 7,
  locked: 8,
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: "done",
  internal: "internal error: a bug, or a failure without a name",
  usage: "wrong usage: unknown option, missing or invalid argument",
  damage: "verify or scrub found damage",
  refused: "refused for safety: target or source mounted, too small, or of another purpose",
  notFound: "not found: repository, snapshot, source or target",
  unreadable: "repository corrupt, or of a newer format than this program",
  storage: "storage full, or reading or writing failed",
  locked: "repository locked by another process",
  interrupted: "interrupted (Ctrl-C, or told to stop); the same command can be run again",
};

export function exitCodeTable(): string {
  const lines = Object.entries(EXIT).map(
    ([name, code]) => `  ${String(code).padStart(3)}  ${EXIT_MEANINGS[name as keyof typeof EXIT]}`,
  );
  return ["Exit codes:", ...lines].join("\n");
}

export const EXIT_OF_FAILURE: Readonly<Record<FailureCode, ExitCode>> = {
  "repository-missing": EXIT.notFound,
  "repository-exists": EXIT.refused,
  "repository-format-newer": EXIT.unreadable,
  "repository-locked": EXIT.locked,
  "repository-lock-lost": EXIT.locked,
  "repository-corrupt": EXIT.unreadable,
  "repository-closed": EXIT.internal,
  "snapshot-unknown": EXIT.notFound,
  "snapshot-ambiguous": EXIT.usage,
  "snapshot-corrupt": EXIT.unreadable,
  "snapshot-pinned": EXIT.refused,
  "snapshot-in-use": EXIT.locked,
  "snapshot-is-base": EXIT.refused,
  "pack-corrupt": EXIT.unreadable,
  "pack-missing": EXIT.unreadable,
  "page-corrupt": EXIT.unreadable,
  "storage-full": EXIT.storage,
  "storage-failed": EXIT.storage,
  "source-missing": EXIT.notFound,
  "source-changed-size": EXIT.storage,
  "source-read-failed": EXIT.storage,
  "target-missing": EXIT.notFound,
  "target-mounted": EXIT.refused,
  "target-too-small": EXIT.refused,
  "target-other-purpose": EXIT.refused,
  "target-write-failed": EXIT.storage,
  "disk-mismatch": EXIT.refused,
  "layout-mismatch": EXIT.refused,
  "layout-unreadable": EXIT.storage,
  "protocol-violation": EXIT.internal,
  "page-hash-mismatch": EXIT.storage,
  "agent-unreachable": EXIT.internal,
  "agent-lost": EXIT.internal,
  "server-unreachable": EXIT.internal,
  "not-signed-in": EXIT.refused,
  "not-permitted": EXIT.refused,
  "enrolment-pending": EXIT.refused,
  "enrolment-refused": EXIT.refused,
  "enrolment-too-many": EXIT.refused,
  "certificate-mismatch": EXIT.refused,
  "user-unknown": EXIT.notFound,
  "last-admin": EXIT.refused,
  "input-invalid": EXIT.usage,
  "node-unknown": EXIT.notFound,
  "classroom-unknown": EXIT.notFound,
  "job-unknown": EXIT.notFound,
  "plan-expired": EXIT.refused,
  "plan-changed": EXIT.refused,
  "plan-unknown": EXIT.notFound,
  "confirmation-mismatch": EXIT.refused,
  "node-busy": EXIT.locked,
  "node-offline": EXIT.internal,
  "nothing-to-restore": EXIT.notFound,
  "job-cancelled": EXIT.interrupted,
  "job-partly-failed": EXIT.internal,
  "worker-lost": EXIT.internal,
  "database-unavailable": EXIT.internal,
  "environment-invalid": EXIT.usage,
  internal: EXIT.internal,
};
