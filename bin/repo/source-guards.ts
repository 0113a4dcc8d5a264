// Every reason not to archive from a source. Pure: facts in, reason out.
//
// A mounted file system that is being written gives an image of no single moment; a person may take it all the
// same (--live). A source inside the repository would grow while it is read.
import type { PathFacts } from "./path-facts.ts";
import type { RefusalReason } from "./refusal.ts";

export interface SourceFacts extends PathFacts {
  readonly insideRepository: boolean;
}

export function reasonNotToArchive(
  source: SourceFacts,
  wish: { readonly live: boolean },
): RefusalReason | null {
  const { path } = source;
  if (source.kind === "absent") {
    const message = source.isLink
      ? `${source.given} is a link to ${path}, which does not exist.`
      : `There is no ${path}.`;
    return { code: "source-missing", message, hint: "Check the path of the partition or image file." };
  }
  if (source.kind === "folder" || source.kind === "other") {
    const kind = source.kind === "folder" ? "a folder" : "neither a file nor a block device";
    const hint = "Name an image file or a block device; a folder's files are not archived one by one.";
    return { code: "source-unsuitable", message: `${path} is ${kind}.`, hint };
  }
  if (source.insideRepository) {
    const hint = "Choose a source outside the repository.";
    return { code: "source-unsuitable", message: `${path} lies inside the repository.`, hint };
  }
  if (source.sizeBytes === 0) {
    const hint = "Check that this is the partition or image meant, and that a medium is in the drive.";
    return { code: "source-unsuitable", message: `${path} is empty.`, hint };
  }
  if (wish.live) return null;
  return beingWritten(source);
}

/** Why an image made now may be of no single moment; with --live this becomes a notice. */
export function beingWritten(source: SourceFacts): RefusalReason | null {
  const mount = source.mounts.find(({ readOnly }) => !readOnly);
  const hint =
    "Unmount it or mount it read-only; or add --live and accept an image that may be inconsistent.";
  if (mount !== undefined) {
    const message = `${source.path} is mounted for writing at ${mount.mountPoint}.`;
    return { code: "source-mounted", message, hint };
  }
  if (source.usedAsSwap)
    return { code: "source-mounted", message: `${source.path} is in use as swap.`, hint };
  return null;
}
