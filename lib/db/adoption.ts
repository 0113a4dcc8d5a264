// Rows follow the repository: what a store holds is compared with what the database says of it, and the difference is made good.
// The worker does it at its start, `sheepfold repo adopt` for a database that lost its rows or never had them. Doing it again changes
// nothing. Rows of snapshots the store no longer has are marked, not deleted: somebody should hear of it.
import type { ImageRecord, SnapshotRecord, Technique } from "#lib/model/snapshot.ts";
import { database } from "./client.ts";
import { knownNodeNames } from "./nodes.ts";
import { recordRepository } from "./repositories.ts";
import { jobIdOfTask, recordSnapshot, replaceImages, setVerifyState, type VerifyState } from "./snapshots.ts";

/** A store as it lies in its folder. */
export interface Store {
  readonly id: string;
  readonly path: string;
  readonly blockSize: number;
  readonly technique: Technique;
  readonly snapshots: readonly SnapshotRecord[];
}

export interface AdoptionPlan {
  readonly repositoryIsNew: boolean;
  /** In the store, without a row. */
  readonly unrecorded: readonly SnapshotRecord[];
  /** With a row that says something else of their images. */
  readonly differing: readonly SnapshotRecord[];
  /** With a row, and no longer in the store. */
  readonly goneIds: readonly string[];
  /** Names without a node: each becomes one, without a key, in the classroom "adopted". */
  readonly newNodes: readonly string[];
}

export interface RecordedSnapshot {
  readonly id: string;
  readonly verifyState: VerifyState;
  readonly images: readonly ComparedImage[];
}

type ComparedImage = Pick<
  ImageRecord,
  | "partition"
  | "technique"
  | "baseId"
  | "contentRoot"
  | "sizeBytes"
  | "fillBytes"
  | "unchangedBytes"
  | "newBytes"
  | "storedBytes"
>;

/** Decides; touches nothing. */
export function planAdoption(
  store: Store,
  rows: {
    readonly repositoryIsNew: boolean;
    readonly snapshots: readonly RecordedSnapshot[];
    readonly nodeNames: ReadonlySet<string>;
  },
): AdoptionPlan {
  const recorded = new Map(rows.snapshots.map((row) => [row.id, row]));
  const stored = new Set(store.snapshots.map(({ id }) => id));
  const unrecorded = store.snapshots.filter(({ id }) => !recorded.has(id));
  return {
    repositoryIsNew: rows.repositoryIsNew,
    unrecorded,
    differing: store.snapshots.filter(({ id, images }) => {
      const row = recorded.get(id);
      return row !== undefined && imagesInWords(row.images) !== imagesInWords(images);
    }),
    goneIds: rows.snapshots
      .filter(({ id, verifyState }) => !stored.has(id) && verifyState !== "corrupt")
      .map(({ id }) => id),
    newNodes: [...new Set(unrecorded.map(({ node }) => node))].filter((name) => !rows.nodeNames.has(name)),
  };
}

export function changesNothing(plan: AdoptionPlan): boolean {
  const { unrecorded, differing, goneIds, repositoryIsNew } = plan;
  return !repositoryIsNew && unrecorded.length + differing.length + goneIds.length === 0;
}

export async function planAdoptionOf(store: Store): Promise<AdoptionPlan> {
  const [repository, snapshots] = await Promise.all([
    database().repository.findUnique({ where: { id: store.id }, select: { id: true } }),
    database().snapshot.findMany({
      where: { repositoryId: store.id },
      select: { id: true, verifyState: true, images: true },
    }),
  ]);
  const rows = snapshots.map((row) => ({
    ...row,
    images: row.images.map((image) => ({
      partition: image.partition,
      technique: image.technique as Technique, // only compared
      ...(image.baseId === null ? {} : { baseId: image.baseId }),
      contentRoot: image.contentRoot,
      sizeBytes: Number(image.sizeBytes),
      fillBytes: Number(image.fillBytes),
      unchangedBytes: Number(image.unchangedBytes),
      newBytes: Number(image.newBytes),
      storedBytes: Number(image.storedBytes),
    })),
  }));
  const nodeNames = await knownNodeNames(store.snapshots.map(({ node }) => node));
  return planAdoption(store, { repositoryIsNew: repository === null, snapshots: rows, nodeNames });
}

/** Interrupted, it goes on at the next call. */
export async function adopt(store: Store, plan: AdoptionPlan): Promise<void> {
  const { id, path, blockSize, technique } = store;
  await recordRepository({ id, name: "Main repository", path, blockSize, technique });
  for (const record of plan.unrecorded) {
    const jobId = record.requestId === null ? null : await jobIdOfTask(record.requestId);
    await recordSnapshot(record, { repositoryId: id, jobId });
  }
  for (const record of plan.differing) await replaceImages(record);
  await setVerifyState(plan.goneIds, "corrupt");
}

function imagesInWords(images: readonly ComparedImage[]): string {
  const words = images.map((image) => [
    image.partition,
    image.technique,
    image.baseId ?? null,
    image.contentRoot,
    image.sizeBytes,
    image.fillBytes,
    image.unchangedBytes,
    image.newBytes,
    image.storedBytes,
  ]);
  return JSON.stringify(words.sort(([left], [right]) => (String(left) < String(right) ? -1 : 1)));
}
