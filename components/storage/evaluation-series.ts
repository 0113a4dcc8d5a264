// What the charts of an evaluation draw, from its rows: pure, so that each figure can be checked. A row's sizes are sums since the first
// snapshot, into an empty repository; all metadata is in them.
import { TECHNIQUES, type Technique } from "#lib/model/snapshot.ts";

export interface EvaluationFigure {
  readonly snapshotId: string;
  readonly technique: Technique;
  readonly blockSize: number;
  readonly compression: string;
  readonly totalBytes: number;
  readonly metadataBytes: number;
  readonly incrementBytes: number;
}

export interface EvaluationToDraw {
  /** In the order they were evaluated, "PC-01 v3". */
  readonly snapshots: readonly { readonly id: string; readonly label: string; readonly imageBytes: number }[];
  readonly techniques: readonly Technique[];
  readonly compressions: readonly string[];
  /** Only sizes whose rows are all there. */
  readonly blockSizes: readonly number[];
  readonly rows: readonly EvaluationFigure[];
}

/** One place on the x axis, with a value for each series that has one. */
export interface Point {
  readonly label: string;
  readonly values: Readonly<Record<string, number>>;
}

/** Share of the images' bytes that is not stored, after the last snapshot, by block size and technique. */
export function savings(evaluation: EvaluationToDraw, compression: string): Point[] {
  const imageBytes = evaluation.snapshots.reduce((sum, snapshot) => sum + snapshot.imageBytes, 0);
  return byBlockSize(evaluation, (blockSize) =>
    evaluation.techniques.map((technique) => {
      const last = rowsOf(evaluation, { technique, blockSize, compression }).at(-1);
      return [
        technique,
        last === undefined || imageBytes === 0 ? undefined : 1 - last.totalBytes / imageBytes,
      ];
    }),
  );
}

/** Bytes after the last snapshot by block size, a curve for each compression. */
export function archiveSizes(evaluation: EvaluationToDraw, technique: Technique): Point[] {
  return byBlockSize(evaluation, (blockSize) =>
    evaluation.compressions.map((compression) => [
      compression,
      rowsOf(evaluation, { technique, blockSize, compression }).at(-1)?.totalBytes,
    ]),
  );
}

/** Bytes after the first snapshot by block size, a curve for each technique. */
export function initialSizes(evaluation: EvaluationToDraw, compression: string): Point[] {
  return byBlockSize(evaluation, (blockSize) =>
    evaluation.techniques.map((technique) => [
      technique,
      rowsOf(evaluation, { technique, blockSize, compression })[0]?.totalBytes,
    ]),
  );
}

/** What each snapshot adds, by technique. */
export function increments(evaluation: EvaluationToDraw, blockSize: number, compression: string): Point[] {
  return evaluation.snapshots.map(({ label }, nth) => ({
    label,
    values: valuesOf(
      evaluation.techniques.map((technique) => [
        technique,
        rowsOf(evaluation, { technique, blockSize, compression })[nth]?.incrementBytes,
      ]),
    ),
  }));
}

/** The smallest combination there is; null without rows. */
export function best(evaluation: EvaluationToDraw): EvaluationFigure | null {
  const last = evaluation.snapshots.at(-1)?.id;
  const finals = evaluation.rows.filter((row) => row.snapshotId === last);
  return finals.reduce<EvaluationFigure | null>(
    (smallest, row) => (smallest === null || row.totalBytes < smallest.totalBytes ? row : smallest),
    null,
  );
}

export function blockSizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1024 * 1024 ? `${bytes / 1024} KiB` : `${bytes / (1024 * 1024)} MiB`;
}

export function isTechnique(text: string): text is Technique {
  return (TECHNIQUES as readonly string[]).includes(text);
}

/** In the order of the snapshots: a row's place among its like says which it is of. */
function rowsOf(
  { rows }: EvaluationToDraw,
  like: { readonly technique: Technique; readonly blockSize: number; readonly compression: string },
): EvaluationFigure[] {
  return rows.filter(
    (row) =>
      row.technique === like.technique &&
      row.blockSize === like.blockSize &&
      row.compression === like.compression,
  );
}

type Entries = readonly (readonly [string, number | undefined])[];

function byBlockSize(evaluation: EvaluationToDraw, entriesOf: (blockSize: number) => Entries): Point[] {
  return evaluation.blockSizes.map((blockSize) => ({
    label: blockSizeText(blockSize),
    values: valuesOf(entriesOf(blockSize)),
  }));
}

function valuesOf(entries: Entries): Record<string, number> {
  return Object.fromEntries(
    entries.filter((entry): entry is readonly [string, number] => entry[1] !== undefined),
  );
}
