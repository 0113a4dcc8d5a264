// The names storage accepts, and the few facts about them that every implementation shares.
//
// A name is relative to the repository, uses "/" and plain characters only. It is checked here, at the one
// gate every call passes, so that no name put together from data can ever leave the repository's folder.
import { CodedError } from "#lib/model/errors.ts";
import type { StoredFile } from "./storage.ts";

/** Where files grow before they are sealed. */
export const TEMPORARY_FOLDER = "tmp";

const SEGMENT = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,199}$/;

/** Throws unless `name` names a file inside the repository: "packs/ab/abcd.pack", never "../x" or "/x". */
export function checkFileName(name: string): void {
  if (name.length > 1024 || !name.split("/").every((segment) => SEGMENT.test(segment))) {
    throw new CodedError(
      "storage-failed",
      `"${name.slice(0, 200)}" is not a name for a file in a repository.`,
      {
        hint: 'Use relative names of letters, digits, ".", "_" and "-", parted by "/".',
      },
    );
  }
}

/** A folder's name, or "" for the whole repository. */
export function checkFolderName(folder: string): void {
  if (folder !== "") checkFileName(folder);
}

export function isInFolder(name: string, folder: string): boolean {
  return folder === "" || name.startsWith(`${folder}/`);
}

/** Listings are in name order, so that the engine and its simulation do the same thing every time. */
export function inNameOrder(files: StoredFile[]): StoredFile[] {
  return files.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

export function tooShortError(
  where: string,
  name: string,
  offsetBytes: number,
  wantedBytes: number,
): CodedError {
  return new CodedError(
    "storage-failed",
    `${where}: ${name} is absent or ends before byte ${offsetBytes + wantedBytes}.`,
    {
      hint: "Verify the repository; if files are missing, bring them back from a copy.",
      facts: { name, offsetBytes, wantedBytes },
    },
  );
}

export function storageFullError(where: string, cause?: unknown): CodedError {
  return new CodedError("storage-full", `${where}: no space is left.`, {
    hint: "Free space there or add some, then do the same again; what was committed is safe.",
    cause,
  });
}

export function closedError(where: string): CodedError {
  return new CodedError("repository-closed", `${where}: the storage is closed.`, {
    hint: "Open the repository again.",
  });
}
