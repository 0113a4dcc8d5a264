// Every reason not to write onto a target, in one list, checked before the first byte. Pure: facts in, reason out.
//
// What nobody can override: a target in use (mounted, swap, part of LVM or RAID), too small, no place for bytes,
// or inside the repository itself. What a person may override, because only a person can know: a target larger
// than the image (--allow-larger) and one that visibly holds something else (--overwrite-other).
import { dirname } from "node:path";
import { formatBytes } from "#lib/model/units.ts";
import type { PathFacts } from "./path-facts.ts";
import type { RefusalReason } from "./refusal.ts";
import type { Signature } from "./signature.ts";

export interface RestoreWish {
  readonly imageBytes: number;
  readonly imageSignature: Signature;
  readonly allowLarger: boolean;
  readonly overwriteOther: boolean;
}

export interface TargetFacts extends PathFacts {
  /** What the first bytes of the target say it holds; null when it is absent or has no bytes. */
  readonly signature: Signature | null;
  readonly insideRepository: boolean;
}

/** The first reason to stop, or null. */
export function reasonNotToRestore(target: TargetFacts, wish: RestoreWish): RefusalReason | null {
  return unsuitable(target) ?? inUse(target) ?? wrongSize(target, wish) ?? otherPurpose(target, wish);
}

/** For a file that is to be made whole and new: whatever is there already stays. */
export function reasonNotToMake(
  target: PathFacts & { readonly insideRepository: boolean },
): RefusalReason | null {
  const { path } = target;
  if (target.insideRepository) return other(`${path} lies inside the repository.`, "Choose a file outside.");
  if (!target.folderExists) {
    const hint = "Check the path, or make the folder first.";
    return { code: "target-missing", message: `There is no folder ${dirname(path)}.`, hint };
  }
  if (target.kind === "absent" && !target.isLink) return null;
  const hint = "Name a file that does not exist yet. To write onto a disk or over a file, use repo restore.";
  return other(`${path} is there already.`, hint);
}

function unsuitable(target: TargetFacts): RefusalReason | null {
  const { path } = target;
  if (target.insideRepository) {
    return other(
      `${path} lies inside the repository.`,
      "Choose a target outside: restoring there would destroy it.",
    );
  }
  if (!target.folderExists) {
    const hint = "Check the path, or make the folder first.";
    return { code: "target-missing", message: `There is no folder ${dirname(path)}.`, hint };
  }
  if (target.kind === "absent" && target.isLink) {
    return other(
      `${target.given} is a link to ${path}, which does not exist.`,
      "Remove the link, or name the file meant.",
    );
  }
  if (target.kind === "folder") return other(`${path} is a folder.`, "Name a file in it, or a block device.");
  if (target.kind === "other") {
    return other(`${path} is neither a file nor a block device.`, "Name a file or a block device.");
  }
  if (target.readOnly)
    return other(
      `${path} is set read-only.`,
      "Choose another target, or make it writable (blockdev --setrw).",
    );
  return null;
}

function inUse(target: TargetFacts): RefusalReason | null {
  const { path, mounts, holders } = target;
  const mount = mounts[0];
  if (mount !== undefined) {
    return mounted(
      `${path} is mounted at ${mount.mountPoint}.`,
      `Unmount it first: umount ${mount.mountPoint}`,
    );
  }
  if (target.usedAsSwap) return mounted(`${path} is in use as swap.`, "Stop using it first (swapoff).");
  if (holders.length > 0) {
    return mounted(
      `${path} is in use by ${holders.join(", ")}.`,
      "Stop the LVM volume, RAID or encryption on it first.",
    );
  }
  if (target.busy)
    return mounted(`${path} is in use by the system.`, "Find the user with lsblk or fuser and stop it.");
  return null;
}

function wrongSize(target: TargetFacts, wish: RestoreWish): RefusalReason | null {
  if (target.kind === "absent") return null;
  const sizes = `${target.path} has ${sizeWords(target.sizeBytes)}, the image ${sizeWords(wish.imageBytes)}`;
  if (target.sizeBytes < wish.imageBytes) {
    const hint = "Choose a target at least as large as the image, or a new file.";
    return { code: "target-too-small", message: `${sizes}: too small.`, hint };
  }
  if (target.sizeBytes > wish.imageBytes && !wish.allowLarger) {
    return other(
      `${sizes}: probably not the partition it came from.`,
      "If it is the right one, add --allow-larger: the bytes behind the image are left as they are.",
    );
  }
  return null;
}

function otherPurpose(target: TargetFacts, wish: RestoreWish): RefusalReason | null {
  if (wish.overwriteOther) return null;
  const hint = "If it may be overwritten all the same, add --overwrite-other.";
  if (target.partitions.length > 0) {
    return other(`${target.path} is a disk with partitions (${target.partitions.join(", ")}).`, hint);
  }
  if (target.idleLoops.length > 0) {
    return other(
      `${target.path} is attached as ${target.idleLoops.map((name) => `/dev/${name}`).join(", ")}.`,
      hint,
    );
  }
  const { signature } = target;
  // An unknown or empty start is no objection: a partition in need of a restore may look like anything.
  if (signature === null || signature === "unknown" || signature === "empty") return null;
  if (signature === wish.imageSignature) return null;
  const image =
    wish.imageSignature === "unknown" ? "no known file system" : `an image of ${wish.imageSignature}`;
  return other(`${target.path} holds ${signature}, the snapshot ${image}.`, hint);
}

function sizeWords(bytes: number): string {
  return `${bytes} bytes (${formatBytes(bytes)})`;
}

function other(message: string, hint: string): RefusalReason {
  return { code: "target-other-purpose", message, hint };
}

function mounted(message: string, hint: string): RefusalReason {
  return { code: "target-mounted", message, hint };
}
