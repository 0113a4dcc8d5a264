// Findings collects what verify has found: one entry per file, snapshot and partition, however many pages suffer.
import { CodedError } from "#lib/model/errors.ts";
import type { VerifyFinding } from "../types.ts";

type FindingCode = VerifyFinding["code"];
/** A repository that is damaged all over says so; nobody reads a million lines. */
const FINDINGS_MAX = 10_000;

export interface Affected {
  readonly snapshotId: string | null;
  readonly partition: string | null;
}

const NOBODY: Affected = { snapshotId: null, partition: null };

export class Findings {
  readonly #found = new Map<string, { finding: VerifyFinding; more: number }>();

  add(code: FindingCode, file: string, message: string, affected: Affected = NOBODY): void {
    const key = `${code}|${file}|${affected.snapshotId}|${affected.partition}`;
    const known = this.#found.get(key);
    if (known !== undefined) known.more += 1;
    else if (this.#found.size < FINDINGS_MAX) {
      this.#found.set(key, { finding: { ...affected, file, code, message }, more: 0 });
    }
  }

  /** A failure met while reading, as a finding; anything that is not a named failure is a bug and goes on. */
  addError(error: unknown, fileIfUnknown: string, affected: Affected): void {
    if (!(error instanceof CodedError)) throw error;
    if (error.code === "job-cancelled" || error.code === "repository-closed") throw error;
    const file = error.facts.file;
    const named = typeof file === "string" && file !== "" ? file : fileIfUnknown;
    this.add(findingCodeOf(error), named, error.message, affected);
  }

  list(): VerifyFinding[] {
    return [...this.#found.values()].map(({ finding, more }) =>
      more === 0 ? finding : { ...finding, message: `${finding.message} And ${more} more like this.` },
    );
  }
}

function findingCodeOf(error: CodedError): FindingCode {
  switch (error.code) {
    case "pack-corrupt":
    case "pack-missing":
    case "page-corrupt":
    case "snapshot-corrupt":
      return error.code;
    default:
      return "repository-corrupt";
  }
}
