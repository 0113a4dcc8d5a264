// Whom damage costs what, in the words of scrub and heal.
import type { AffectedImage } from "#lib/engine/repository.ts";

export function linesOfAffected(affected: readonly AffectedImage[]): string[] {
  return affected.map(({ snapshotId, partition, pageCount, firstPages }) => {
    const more = pageCount > firstPages.length ? ", …" : "";
    return `    ${snapshotId}:${partition}  ${pageCount} pages: ${firstPages.join(", ")}${more}`;
  });
}
