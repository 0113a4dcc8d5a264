// The words of the storage page for techniques and compressions.
import type { Technique } from "#lib/model/snapshot.ts";

export const TECHNIQUE_WORDS: Readonly<Record<Technique, string>> = {
  repository: "Repository: each distinct block once",
  diff: "Diff: what differs from a base",
  full: "Full image by itself",
};

/** Offered in forms; the API and the command line take every level. */
export const COMPRESSION_CHOICES = [
  "zstd",
  "zstd:1",
  "zstd:9",
  "zstd:19",
  "gzip",
  "gzip:1",
  "gzip:9",
  "none",
] as const;
