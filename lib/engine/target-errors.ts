// What can go wrong with a target while it is restored onto, in words: the same whether the caller's thread or an engine
// thread met it.
import { CodedError } from "#lib/model/errors.ts";
import type { TargetProblem } from "./threads/write-pages.ts";

const OTHER_DISK = "Check the disk and its cable, or restore onto another one.";

export function targetError(
  problem: TargetProblem,
  path: string,
  offsetBytes: number,
  cause?: unknown,
): CodedError {
  if (problem === "not-kept") return targetNotKept(offsetBytes);
  if (problem === "unreadable") return targetUnreadable(path, offsetBytes, cause);
  return targetUnwritable(path, problem === "full", cause);
}

export function targetUnwritable(path: string, isFull: boolean, cause: unknown): CodedError {
  return new CodedError(
    "target-write-failed",
    `${path} cannot be written${isFull ? ": its disk is full" : ""}.`,
    {
      hint: isFull ? "Free some space and restore again." : OTHER_DISK,
      retry: isFull ? "later" : "never",
      facts: { path },
      cause,
    },
  );
}

export function targetUnreadable(path: string, offsetBytes: number, cause: unknown): CodedError {
  return new CodedError("target-write-failed", `${path} cannot be read back near byte ${offsetBytes}.`, {
    hint: OTHER_DISK,
    cause,
  });
}

export function targetNotKept(offsetBytes: number): CodedError {
  return new CodedError(
    "target-write-failed",
    `The target does not hold what was written to it at byte ${offsetBytes}.`,
    {
      hint: "Its disk is failing or something else writes to it. Do not use it; restore onto another disk.",
    },
  );
}
