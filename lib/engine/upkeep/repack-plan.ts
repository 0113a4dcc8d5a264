// What is worth rewriting: pure decisions about frames and packs, made from how many of their blocks are needed.
//
// A frame of which a quarter is dead is decoded and its live blocks are compressed anew; with less it is copied as it is. So a
// pack that was rewritten is not rewritten again before more of it has died.

/** Below, the work and the wear cost more than the space. */
const DEAD_SHARE_MIN = 0.25;

export type FrameFate = "drop" | "copy" | "gather";

export interface FrameCounts {
  readonly encodedBytes: number;
  readonly blockCount: number;
  readonly liveCount: number;
}

export function fateOf({ blockCount, liveCount }: Omit<FrameCounts, "encodedBytes">): FrameFate {
  if (liveCount === 0) return "drop";
  return blockCount - liveCount >= DEAD_SHARE_MIN * blockCount ? "gather" : "copy";
}

/** About what rewriting would save of a frame. */
export function savedBytes(frame: FrameCounts): number {
  if (fateOf(frame) === "copy") return 0;
  return Math.floor((frame.encodedBytes * (frame.blockCount - frame.liveCount)) / frame.blockCount);
}

export interface PackCounts {
  readonly sizeBytes: number;
  readonly liveCount: number;
  readonly savedBytes: number;
}

/** Packs without any live block are none of ours: they go as they are. */
export function isWorthRepacking(pack: PackCounts): boolean {
  return pack.liveCount > 0 && pack.savedBytes >= DEAD_SHARE_MIN * pack.sizeBytes;
}

/** Packs in groups that make one new pack each, in the given order, as far as the budget goes; one pack at least. */
export function batchesOf<Pack extends { readonly sizeBytes: number; readonly keptBytes: number }>(
  packs: readonly Pack[],
  packBytes: number,
  bytesMax = Number.POSITIVE_INFINITY,
): Pack[][] {
  const batches: Pack[][] = [];
  let sourceBytes = 0;
  let keptBytes = 0;
  for (const pack of packs) {
    sourceBytes += pack.sizeBytes;
    if (sourceBytes > bytesMax && batches.length > 0) break;
    const last = batches.at(-1);
    if (last !== undefined && keptBytes + pack.keptBytes <= packBytes) last.push(pack);
    else {
      batches.push([pack]);
      keptBytes = 0;
    }
    keptBytes += pack.keptBytes;
  }
  return batches;
}
