// The figures of the evaluation's charts, from rows small enough to reckon by hand.
import { expect, test } from "vitest";
import {
  archiveSizes,
  best,
  blockSizeText,
  type EvaluationToDraw,
  increments,
  initialSizes,
  savings,
} from "./evaluation-series.ts";

const SNAPSHOTS = [
  { id: "s1", label: "PC v1", imageBytes: 1000 },
  { id: "s2", label: "PC v2", imageBytes: 1000 },
];

/** Totals by technique, block size and compression: after the first snapshot, after the second. */
const TOTALS = {
  full: { 512: { none: [900, 1800], zstd: [500, 1000] }, 4096: { none: [880, 1760], zstd: [480, 960] } },
  repository: { 512: { none: [800, 900], zstd: [450, 500] }, 4096: { none: [780, 980], zstd: [400, 560] } },
} as const;

const EVALUATION: EvaluationToDraw = {
  snapshots: SNAPSHOTS,
  techniques: ["full", "repository"],
  compressions: ["none", "zstd"],
  blockSizes: [512, 4096],
  rows: ([512, 4096] as const).flatMap((blockSize) =>
    SNAPSHOTS.flatMap(({ id }, nth) =>
      (["full", "repository"] as const).flatMap((technique) =>
        (["none", "zstd"] as const).map((compression) => {
          const totals = TOTALS[technique][blockSize][compression];
          const totalBytes = totals[nth] ?? 0;
          const incrementBytes = totalBytes - (nth === 0 ? 0 : totals[0]);
          return {
            snapshotId: id,
            technique,
            blockSize,
            compression,
            totalBytes,
            metadataBytes: 1,
            incrementBytes,
          };
        }),
      ),
    ),
  ),
};

test("savings are of all images' bytes, after the last snapshot", () => {
  expect(savings(EVALUATION, "zstd")).toEqual([
    { label: "512 B", values: { full: 0.5, repository: 0.75 } },
    { label: "4 KiB", values: { full: 0.52, repository: 0.72 } },
  ]);
});

test("archive size by block size, a curve for each compression", () => {
  expect(archiveSizes(EVALUATION, "repository")).toEqual([
    { label: "512 B", values: { none: 900, zstd: 500 } },
    { label: "4 KiB", values: { none: 980, zstd: 560 } },
  ]);
});

test("the initial repository is what the first snapshot makes", () => {
  expect(initialSizes(EVALUATION, "none").map((point) => point.values)).toEqual([
    { full: 900, repository: 800 },
    { full: 880, repository: 780 },
  ]);
});

test("increments name the snapshot that adds them", () => {
  expect(increments(EVALUATION, 4096, "zstd")).toEqual([
    { label: "PC v1", values: { full: 480, repository: 400 } },
    { label: "PC v2", values: { full: 480, repository: 160 } },
  ]);
});

test("a block size that is still being computed is not drawn, and no figure is made up for it", () => {
  const running = { ...EVALUATION, rows: EVALUATION.rows.filter((row) => row.blockSize === 512) };
  expect(savings({ ...running, blockSizes: [512] }, "zstd")).toHaveLength(1);
  expect(savings(running, "zstd")[1]?.values).toEqual({});
});

test("the smallest is found among the last snapshot's rows", () => {
  expect(best(EVALUATION)).toMatchObject({ technique: "repository", blockSize: 512, compression: "zstd" });
  expect(best({ ...EVALUATION, rows: [] })).toBeNull();
});

test("block sizes read as people say them", () => {
  expect([512, 4096, 65536, 4 * 1024 * 1024].map(blockSizeText)).toEqual([
    "512 B",
    "4 KiB",
    "64 KiB",
    "4 MiB",
  ]);
});
