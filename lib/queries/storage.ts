// The storage page: each repository's sizes now and over time, what was chosen for it, its newest evaluation, when it was last looked
// after, and which PCs add most.
import "server-only";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/viewer.ts";
import { type EvaluationView, newestEvaluation } from "#lib/db/evaluations.ts";
import { type JobRow, newestJobsByKind } from "#lib/db/job-views.ts";
import { versionsOf } from "#lib/db/matrix-views.ts";
import { nodeNamesOfSnapshots } from "#lib/db/snapshot-views.ts";
import {
  findNewestSampleRow,
  listNodeStorageRows,
  listRepositoryRows,
  listStorageSampleRows,
  type NodeStorageRow,
  type RepositoryRow,
  type StorageSampleRow,
} from "#lib/db/storage-views.ts";
import { UPKEEP_JOB_KINDS, type UpkeepJobKind } from "#lib/model/job.ts";
import { readUpkeepReport, type UpkeepReport } from "./upkeep-report.ts";

/** More points than this a chart of a screen's width cannot show. */
const SAMPLES_MAX = 240;
const NODES_MAX = 20;

export interface EvaluationToShow extends EvaluationView {
  /** In the order they were evaluated. */
  readonly snapshots: readonly { readonly id: string; readonly label: string; readonly imageBytes: number }[];
  /** Those whose rows are all there. */
  readonly blockSizes: readonly number[];
}

export interface RepositoryStorage {
  readonly repository: RepositoryRow;
  readonly now: StorageSampleRow | null;
  readonly samples: readonly StorageSampleRow[];
  readonly evaluation: EvaluationToShow | null;
}

export interface LastRun {
  readonly kind: UpkeepJobKind;
  /** Null: never. */
  readonly job: JobRow | null;
  readonly report: UpkeepReport | null;
}

export interface StorageView {
  readonly repositories: readonly RepositoryStorage[];
  readonly nodes: readonly NodeStorageRow[];
  readonly lastRuns: readonly LastRun[];
}

export async function storageView(viewer: Viewer): Promise<StorageView> {
  permit(viewer, "read");
  const [rows, nodes, newest] = await Promise.all([
    listRepositoryRows(),
    listNodeStorageRows(NODES_MAX),
    newestJobsByKind(UPKEEP_JOB_KINDS),
  ]);
  const repositories = await Promise.all(
    rows.map(async (repository) => ({
      repository,
      now: await findNewestSampleRow(repository.id),
      samples: await listStorageSampleRows(repository.id, SAMPLES_MAX),
      evaluation: await evaluationToShow(repository.id),
    })),
  );
  const lastRuns = UPKEEP_JOB_KINDS.map((kind) => {
    const job = newest.get(kind) ?? null;
    return { kind, job, report: job === null ? null : readUpkeepReport(kind, job.report) };
  });
  return { repositories, nodes, lastRuns };
}

async function evaluationToShow(repositoryId: string): Promise<EvaluationToShow | null> {
  const evaluation = await newestEvaluation(repositoryId);
  if (evaluation === null) return null;
  const { snapshotIds, imageBytes, blockSizes } = evaluation.wish;
  const [versions, names] = await Promise.all([versionsOf(snapshotIds), nodeNamesOfSnapshots(snapshotIds)]);
  const labelOf = (id: string, nth: number) => {
    const version = versions.get(id);
    return version === undefined ? `no. ${nth + 1}, pruned` : `${names.get(id) ?? ""} v${version.number}`;
  };
  const there = new Set(evaluation.rows.map((row) => row.blockSize));
  return {
    ...evaluation,
    snapshots: snapshotIds.map((id, nth) => ({
      id,
      label: labelOf(id, nth),
      imageBytes: imageBytes[nth] ?? 0,
    })),
    blockSizes: blockSizes.filter((size) => there.has(size)),
  };
}
