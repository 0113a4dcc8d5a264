// Failures as the API tells them: problem+json with our stable code, the words, and what to do next. One table maps codes to HTTP
// statuses; a code that is not in it is the server's fault.
import type { z } from "zod";
import { CodedError, type FailureCode, failureReportOf } from "#lib/model/errors.ts";
import type { Problem } from "#lib/queries/api/answers/shared.ts";

export const STATUS_OF: Partial<Record<FailureCode, number>> = {
  "input-invalid": 400,
  "not-signed-in": 401,
  "not-permitted": 403,
  "node-unknown": 404,
  "classroom-unknown": 404,
  "job-unknown": 404,
  "plan-unknown": 404,
  "snapshot-unknown": 404,
  "user-unknown": 404,
  "release-unknown": 404,
  "variable-unknown": 404,
  "already-released": 409,
  "snapshot-corrupt": 409,
  "snapshot-pinned": 409,
  "snapshot-in-use": 409,
  "snapshot-is-base": 409,
  "variable-missing": 409,
  "identity-duplicate": 409,
  "localization-refused": 409,
  "recipe-refused": 409,
  "secret-unreadable": 409,
  "enrolment-pending": 409,
  "schedule-unknown": 404,
  "schedule-busy": 409,
  "recipient-unknown": 404,
  "delivery-refused": 502,
  "last-admin": 409,
  "node-busy": 409,
  "node-offline": 409,
  "plan-expired": 409,
  "plan-changed": 409,
  "confirmation-mismatch": 409,
  "nothing-to-restore": 409,
  "database-unavailable": 503,
  "environment-invalid": 503,
};

const RETRY_AFTER_SECONDS = "2";

export function problemResponse(thrown: unknown): Response {
  const report = failureReportOf(thrown);
  const expected = thrown instanceof CodedError;
  const status = expected ? (STATUS_OF[report.code] ?? 500) : 500;
  // The words of an unforeseen failure may name tables or files: they go to the log only.
  if (!expected) console.error(thrown);
  const body: z.output<typeof Problem> = {
    type: `https://sheepfold.invalid/problems/${report.code}`,
    title: report.code.replaceAll("-", " "),
    status,
    code: report.code,
    detail: expected ? report.message : "The server could not do this.",
    hint: expected ? report.hint : "The app's log has the details.",
  };
  const headers: Record<string, string> = {
    "content-type": "application/problem+json",
    "cache-control": "no-store",
  };
  if (status === 503) headers["retry-after"] = RETRY_AFTER_SECONDS;
  return new Response(JSON.stringify(body), { status, headers });
}
