// How an archive is to be stored: what the wish says, and for the rest what was chosen for the repository. Written into a job's options
// as words, read again when an agent takes the task up. Pure.
import { type Compression, compressionInWords, parseCompression } from "./compression.ts";
import { CodedError } from "./errors.ts";
import { TECHNIQUES, type Technique } from "./snapshot.ts";

export interface ArchiveChoice {
  readonly technique?: Technique;
  readonly compression?: Compression;
  /** Of a diff: "previous", "first" or a snapshot's id. */
  readonly base?: string;
}

/** A wish's own words. Null: the repository's. */
export interface ArchiveWords {
  readonly technique: string | null;
  readonly compression: string | null;
  readonly base: string | null;
}

/** Refused before anything is queued: CodedError "input-invalid". */
export function checkArchiveWords(
  words: Partial<Record<keyof ArchiveWords, string | undefined>>,
): ArchiveWords {
  const { technique, compression, base } = words;
  if (technique !== undefined && techniqueOf(technique) === undefined) {
    throw new CodedError("input-invalid", `There is no technique ${JSON.stringify(technique)}.`, {
      hint: `Use one of ${TECHNIQUES.join(", ")}.`,
    });
  }
  const parsed = compression === undefined ? undefined : parseCompression(compression);
  if (parsed === null) {
    throw new CodedError("input-invalid", `There is no compression ${JSON.stringify(compression)}.`, {
      hint: "Use none, gzip, gzip:1 to gzip:9, zstd, or zstd:1 to zstd:19.",
    });
  }
  if (base !== undefined && technique !== "diff") {
    throw new CodedError(
      "input-invalid",
      `A base does not fit the technique ${technique ?? "of the repository"}.`,
      {
        hint: "Choose the technique diff, or no base.",
      },
    );
  }
  return {
    technique: technique ?? null,
    compression: parsed === undefined ? null : compressionInWords(parsed),
    base: base ?? null,
  };
}

/** From a job's options, which another version may have written: what is not understood is left to the repository's choice. */
export function archiveChoiceOf(
  options: Readonly<Record<string, unknown>>,
  usual: { readonly technique: Technique; readonly compression: Compression } | null,
): ArchiveChoice {
  const technique = techniqueOf(options.technique) ?? usual?.technique;
  const words = typeof options.compression === "string" ? parseCompression(options.compression) : null;
  const compression = words ?? usual?.compression;
  const base = technique === "diff" && typeof options.base === "string" ? options.base : undefined;
  return {
    ...(technique === undefined ? {} : { technique }),
    ...(compression === undefined ? {} : { compression }),
    ...(base === undefined ? {} : { base }),
  };
}

function techniqueOf(word: unknown): Technique | undefined {
  return TECHNIQUES.find((known) => known === word);
}
