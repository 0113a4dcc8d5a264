// A Refusal is a guard saying no before anything is touched. It always ends with the exit code "refused", so that a
// script can tell "I would not" from "I could not".
import type { FailureCode } from "#lib/model/errors.ts";

/** Failure codes of the whole product, and the few reasons only this program knows. */
export type RefusalCode = FailureCode | "source-mounted" | "source-unsuitable";

/** One reason to stop, as data: what is the case, and what the person can do. */
export interface RefusalReason {
  readonly code: RefusalCode;
  readonly message: string;
  readonly hint: string;
}

export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: RefusalCode;
  readonly hint: string;

  constructor(reason: RefusalReason) {
    super(reason.message);
    this.code = reason.code;
    this.hint = reason.hint;
  }
}
