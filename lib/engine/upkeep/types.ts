// What upkeep is asked for and answers with: pins, prune, GC, re-segment, scrub and heal.
import type { WorkOptions } from "../work-options.ts";

/** A person's word that a snapshot stays. */
export interface SnapshotPin {
  readonly snapshotId: string;
  readonly reason: string;
  readonly pinnedAt: string;
}

export interface PruneReport {
  readonly removedIds: readonly string[];
}

/** Progress counts the logical bytes of snapshots whose needs are known: that is most of the time it takes. */
export interface GcOptions extends WorkOptions {
  /** Packs of at most so many bytes are removed or rewritten, one at least. */
  readonly bytesMax?: number;
  /** No work is begun after so many seconds; what was done stays done. */
  readonly secondsMax?: number;
}

/** Counted by walking every manifest. Sizes in bytes. */
export interface GcPlan {
  readonly snapshotCount: number;
  readonly packCount: number;
  readonly packBytes: number;
  /** Packs that nothing needs: GC frees them. */
  readonly deadPackCount: number;
  readonly deadPackBytes: number;
  /** Packs that nothing needs, but an open archive may have used: a later GC frees them. */
  readonly inUsePackCount: number;
  /** Packs of which so much is dead that GC rewrites them, and about what that saves. */
  readonly repackPackCount: number;
  readonly repackSavedBytes: number;
  /** What is not needed of all packs that are needed in part; an estimate by blocks. */
  readonly mixedDeadBytes: number;
}

export interface GcReport {
  /** What there was to do; null when time was up before that was known. */
  readonly plan: GcPlan | null;
  readonly removedPackCount: number;
  /** Of those, packs whose needed blocks were copied first. */
  readonly repackedPackCount: number;
  readonly freedBytes: number;
  /** Of the packs they were copied to. */
  readonly writtenBytes: number;
  /** False when the budget ended it early: run it again. */
  readonly isFinished: boolean;
  readonly seconds: number;
}

export interface ReSegmentOptions extends WorkOptions {
  /** Of zstd, 1 to 19. Default 9. Packs done with this level or a higher one are not done again. */
  readonly level?: number;
  /** Only packs whose first snapshot is at least so old. Default 0: all that a snapshot lists. */
  readonly olderThanDays?: number;
  /** Packs of at most so many bytes are rewritten, one at least. */
  readonly bytesMax?: number;
  /** No pack is begun after so many seconds; one at least is rewritten. */
  readonly secondsMax?: number;
}

export interface ReSegmentReport {
  /** Packs that were rewritten, their bytes, and those of the packs in their place. */
  readonly packCount: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** Still to be done. */
  readonly leftPackCount: number;
  readonly isFinished: boolean;
  readonly seconds: number;
}

export interface ScrubOptions extends WorkOptions {
  /** Decode everything, instead of hashing files only. */
  readonly deep?: boolean;
  /** No pack is begun after so many seconds; one at least is looked at. */
  readonly secondsMax?: number;
  readonly bytesPerSecond?: number;
}

export interface HealOptions extends WorkOptions {
  /** Only looks what could be regained. */
  readonly isPlan?: boolean;
}

/** A pack that was found bad or gone. */
export interface HealedPack {
  readonly file: string;
  /** Its blocks that snapshots need, and those of them that are there again, or could be. */
  readonly neededBlockCount: number;
  readonly regainedBlockCount: number;
  /** Whom the rest costs what; of a plan, whom it costs now. */
  readonly affected: readonly AffectedImage[];
}

export interface HealReport {
  readonly isPlan: boolean;
  readonly packs: readonly HealedPack[];
  readonly regainedBlockCount: number;
  readonly lostBlockCount: number;
  readonly writtenBytes: number;
  /** Some manifest cannot be read, so that not all that is needed is known; no bad pack was removed. */
  readonly isIncomplete: boolean;
  readonly seconds: number;
}

export interface AffectedImage {
  readonly snapshotId: string;
  readonly partition: string;
  readonly pageCount: number;
  /** The first of them, counted from 0. */
  readonly firstPages: readonly number[];
}

export interface ScrubFinding {
  readonly file: string;
  readonly message: string;
  /** Whom it costs what. Empty when nothing needs the damaged pack. */
  readonly affected: readonly AffectedImage[];
}

export interface ScrubReport {
  readonly packCount: number;
  readonly checkedPackCount: number;
  readonly checkedBytes: number;
  /** Never looked at this deeply, by this run or any before. */
  readonly uncheckedPackCount: number;
  readonly seconds: number;
  readonly findings: readonly ScrubFinding[];
}
