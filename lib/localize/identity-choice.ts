// Which of the operator's identity files a PC finds on its volume: those of its classroom, and those of all classrooms that its own
// does not replace. Pure.
import type { IdentityFile } from "#lib/model/localization.ts";

/** A file with the classroom it is for. */
export interface PlacedIdentityFile extends IdentityFile {
  /** "" for all classrooms. */
  readonly groupId: string;
}

/** Sorted by path. A classroom's file takes the place of the one for all with the same path, whatever its case: the volume's file
 *  system knows only one of both. */
export function identityFilesFor(
  files: readonly PlacedIdentityFile[],
  groupId: string | null,
): IdentityFile[] {
  const chosen = new Map<string, IdentityFile>();
  for (const owner of groupId === null ? [""] : ["", groupId]) {
    for (const file of files) {
      if (file.groupId !== owner) continue;
      chosen.set(file.path.toLowerCase(), { path: file.path, template: file.template });
    }
  }
  return [...chosen.values()].sort((left, right) => (left.path < right.path ? -1 : 1));
}
