// The id of what a request makes: the same person's same Idempotency-Key leads to the same id, so that a repeated call finds the row
// of the first one. The row itself is the memory; there is no table of keys to fill up or to expire. Jobs and releases keep their
// request id in a column instead (lib/db/jobs.ts), because a job is looked up by it across people.
import { createHash } from "node:crypto";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { systemRandom } from "#lib/model/clock.ts";
import { CodedError } from "#lib/model/errors.ts";
import { type IdPrefix, newId } from "#lib/model/ids.ts";

/** Without a request id every call makes something new. */
export function idForRequest(prefix: IdPrefix, viewer: Viewer, requestId: string | undefined): string {
  if (requestId === undefined) return newId(prefix, systemRandom);
  let count = 0;
  const bytes = (length: number) => {
    count += 1;
    const words = JSON.stringify([prefix, viewer.id, requestId, count]);
    return createHash("sha256").update(words).digest().subarray(0, length);
  };
  return newId(prefix, { bytes });
}

/** Thrown when the first call with this request id made something else. */
export function anotherRequest(): CodedError {
  return new CodedError("input-invalid", "This request id was used for another request before.", {
    hint: "Send a new Idempotency-Key.",
  });
}
