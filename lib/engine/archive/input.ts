// Checks of what callers name and describe, once, where it enters the engine: CodedError "input-invalid".
import { CodedError } from "#lib/model/errors.ts";

const NAME_CHARACTERS_MAX = 128;
const COMMENT_CHARACTERS_MAX = 2000;
const DETAILS_MAX = 64;
const DETAIL_CHARACTERS_MAX = 1024;
/** 8 PiB: more pages than this cannot be counted in the tables below. */
const SIZE_BYTES_MAX = 2 ** 53 - 1;
/** Control characters, and halves of surrogate pairs, which no encoding can carry. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029]/u;

export function checkName(what: "node" | "partition", name: string): string {
  const fits = typeof name === "string" && name.length >= 1 && name.length <= NAME_CHARACTERS_MAX;
  if (fits && !UNPRINTABLE.test(name)) return name;
  throw invalid(`${JSON.stringify(String(name).slice(0, 80))} is not a name for a ${what}`, {
    hint: `Use 1 to ${NAME_CHARACTERS_MAX} characters without control characters.`,
  });
}

export function checkComment(comment = ""): string {
  if (comment.length <= COMMENT_CHARACTERS_MAX) return comment;
  throw invalid(`The comment has ${comment.length} characters`, {
    hint: `Use at most ${COMMENT_CHARACTERS_MAX}.`,
  });
}

export function checkRequestId(requestId: string | undefined): string | undefined {
  if (requestId === undefined || requestId.length <= NAME_CHARACTERS_MAX) return requestId;
  throw invalid(`The request id has ${requestId.length} characters`, {
    hint: `Use at most ${NAME_CHARACTERS_MAX}.`,
  });
}

export function checkSize(sizeBytes: number): number {
  if (Number.isInteger(sizeBytes) && sizeBytes > 0 && sizeBytes <= SIZE_BYTES_MAX) return sizeBytes;
  throw invalid(`A partition of ${sizeBytes} bytes cannot be archived`, {
    hint: "Check that the source is a partition or an image file with contents.",
  });
}

export function checkDetails(
  details: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const entries = Object.entries(details);
  const tooLong = entries.find(([name, value]) => name.length > 64 || value.length > DETAIL_CHARACTERS_MAX);
  if (entries.length <= DETAILS_MAX && tooLong === undefined) return details;
  throw invalid(
    `The details of a partition are too many or too long (${tooLong?.[0].slice(0, 80) ?? entries.length})`,
    {
      hint: `Use at most ${DETAILS_MAX} details of at most ${DETAIL_CHARACTERS_MAX} characters.`,
    },
  );
}

function invalid(message: string, options: { readonly hint: string }): CodedError {
  return new CodedError("input-invalid", `${message}.`, options);
}
