// What a recipe may do to files of a partition, whatever its file system. Implemented by the file system's own user-space tools:
// ext-files.ts, fat-files.ts, ntfs-files.ts. Paths begin with / and hold nothing that a tool would interpret (lib/protocol/recipe.ts).
import { CodedError } from "#lib/model/errors.ts";
import { formatBytes } from "#lib/model/units.ts";
import { recipeRefused } from "./refusal.ts";
import type { RunTool } from "./tools.ts";

export interface FileContent {
  readonly bytes: Buffer;
  /** Permission bits; null where the file system has none. */
  readonly mode: number | null;
}

export interface VolumeFiles {
  /** Null: there is no such file. Refuses folders, links and files of more than `bytesMax`. */
  read(path: string, bytesMax: number): Promise<FileContent | null>;
  /** Puts the file there whole or not at all, as far as the tools allow, and reads it back. Null keeps the mode of the file that
   *  is there; a new one gets 0644 and root. */
  replace(path: string, bytes: Buffer, mode: number | null): Promise<void>;
  /** The file system's checker, which only looks. Throws "target-write-failed" when it complains. */
  check(signal: AbortSignal): Promise<void>;
}

/** The folder that programs run in, and the way to run them. */
export interface Workbench {
  readonly folder: string;
  readonly run: RunTool;
}

/** The name a new file has until it is whole. */
export const DRAFT_NAME = ".sheepfold-new";
/** Large partitions of slow disks take long to look through. */
export const CHECK_MS_MAX = 2 * 60 * 60_000;

export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

/** "/a/b" gives "/a" and "/a/b"; "", the root, nothing. */
export function prefixesOf(path: string): string[] {
  const names = path.split("/").slice(1);
  return names.map((_, index) => `/${names.slice(0, index + 1).join("/")}`);
}

export function notAFile(path: string, what: string): CodedError {
  return recipeRefused(`${path} is ${what}, not a file.`, "Correct the recipe: name the file itself.");
}

export function fileTooLarge(path: string, sizeBytes: number, bytesMax: number): CodedError {
  return recipeRefused(
    `${path} has ${formatBytes(sizeBytes)}; recipes change files of up to ${formatBytes(bytesMax)}.`,
    "Check that the recipe names the right file.",
  );
}

export function readBackDiffers(path: string): CodedError {
  return new CodedError("target-write-failed", `${path} does not hold what was written to it.`, {
    hint: "Check the disk's health (smartctl -a), then restore the partition again.",
  });
}
