// The node × moment matrix: what a cell means. A moment is a job that touched the classroom (or snapshots that came without
// one, such as imports); a cell is a node's EFFECTIVE state after that moment: which version is on its disks, whether that
// is certain, and what happened in the moment itself. Versions are a node's snapshots numbered in order: v1, v2, …
// Pure: queries bring the events, components draw the cells.
import type { FailureReport } from "./errors.ts";
import type { JobKind, JobState } from "./job.ts";

/** One column. */
export interface MatrixMoment {
  /** The job's id, or the first snapshot's for a moment without a job. */
  readonly id: string;
  readonly jobId: string | null;
  readonly kind: JobKind | "import";
  readonly title: string;
  readonly at: string;
  readonly state: JobState;
  /** When its last snapshot was committed: going back to "this moment" means what was on the disks then. */
  readonly capturedUntil: string | null;
  readonly capturedCount: number;
}

export const CELL_EVENTS = [
  "captured",
  "rolled-back",
  "cloned",
  "localized",
  "failed",
  "running",
  "skipped",
  "cancelled",
] as const;
export type CellEvent = (typeof CELL_EVENTS)[number];

/** A version of one node. */
export interface MatrixVersion {
  readonly snapshotId: string;
  readonly number: number;
  /** Whose: a clone puts another PC's version on the disks. */
  readonly nodeName: string;
  readonly createdAt: string;
}

/** What happened to one node in one moment. */
export interface NodeEvent {
  readonly momentId: string;
  readonly event: CellEvent;
  readonly kind: "archive" | "restore";
  /** The version taken or gone back to; of a failed restore, the one aimed at. */
  readonly version: MatrixVersion | null;
  /** The PC had begun: a restore that fails after this leaves the disks between two versions. */
  readonly begun: boolean;
  readonly failure: FailureReport | null;
  /** Captured: bytes deduplication could not find. Rolled back: bytes written to the disks. */
  readonly changedBytes: number | null;
}

export interface EffectiveState {
  /** Null: never captured. */
  readonly version: MatrixVersion | null;
  /** False: a restore was begun and did not end well, so the disks may lie between two versions. */
  readonly certain: boolean;
}

export interface MatrixCell extends EffectiveState {
  readonly event: NodeEvent | null;
}

export const NEVER_CAPTURED: EffectiveState = { version: null, certain: true };

/** One row, from the state before the first column and what happened since. */
export function decideCells(
  before: EffectiveState,
  moments: readonly MatrixMoment[],
  events: readonly NodeEvent[],
): MatrixCell[] {
  const byMoment = new Map(events.map((event) => [event.momentId, event]));
  let effective = before;
  return moments.map((moment) => {
    const event = byMoment.get(moment.id) ?? null;
    if (event !== null) effective = stateAfter(effective, event);
    return { ...effective, event };
  });
}

function stateAfter(before: EffectiveState, event: NodeEvent): EffectiveState {
  switch (event.event) {
    case "captured":
    case "rolled-back":
    case "cloned":
    case "localized":
      return { version: event.version ?? before.version, certain: true };
    case "failed":
    case "running":
    case "cancelled":
      return event.kind === "restore" && event.begun ? { version: before.version, certain: false } : before;
    case "skipped":
      return before;
  }
}

/** "v3", or "pc-01 v3" when it is another PC's. */
export function versionWords(version: MatrixVersion, rowName: string): string {
  const number = `v${version.number}`;
  return version.nodeName === rowName ? number : `${version.nodeName} ${number}`;
}

/** A cell in words: the text alternative of its colour and shape. */
export function cellWords(cell: MatrixCell, rowName: string): string {
  const version = cell.version === null ? "never captured" : versionWords(cell.version, rowName);
  const state = cell.certain ? version : `${version}, uncertain`;
  if (cell.event === null) return cell.version === null ? state : `unchanged, ${state}`;
  return `${eventWords(cell.event)}, ${state}`;
}

export function eventWords(event: NodeEvent): string {
  const deed = event.kind === "archive" ? "snapshot" : "roll back";
  switch (event.event) {
    case "captured":
      return "snapshot taken";
    case "rolled-back":
      return "rolled back";
    case "cloned":
      return "cloned";
    case "localized":
      return "localized";
    case "failed":
      return `${deed} failed`;
    case "running":
      return `${deed} running`;
    case "skipped":
      return `${deed} skipped`;
    case "cancelled":
      return `${deed} cancelled`;
  }
}
