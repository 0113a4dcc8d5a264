"use client";

// The four charts of an evaluation, and the three choices they are seen under: compression, technique, block size.
import Link from "next/link";
import { useState } from "react";
import type { Technique } from "#lib/model/snapshot.ts";
import { formatBytes, formatShare } from "#lib/model/units.ts";
import { SelectField } from "../ui/field.tsx";
import { LocalTime } from "../ui/local-time.tsx";
import {
  archiveSizes,
  best,
  blockSizeText,
  type EvaluationToDraw,
  increments,
  initialSizes,
  isTechnique,
  savings,
} from "./evaluation-series.ts";
import { FigureChart, type FigureSeries } from "./figure-chart.tsx";

const TECHNIQUE_SERIES: Readonly<Record<Technique, FigureSeries>> = {
  full: { key: "full", label: "Full images", color: "var(--warn-fill)", dash: "2 3" },
  diff: { key: "diff", label: "Diffs", color: "var(--back-fill)", dash: "8 3 2 3" },
  repository: { key: "repository", label: "Repository", color: "var(--accent-fill)", dash: undefined },
};
const CURVES = [
  { color: "var(--ink-3)", dash: "5 4" },
  { color: "var(--warn-fill)", dash: "2 3" },
  { color: "var(--accent-fill)", dash: undefined },
  { color: "var(--ok-fill)", dash: "8 3 2 3" },
  { color: "var(--back-fill)", dash: "1 3" },
  { color: "var(--bad-fill)", dash: "10 4" },
] as const;

export interface EvaluationSource {
  readonly jobId: string;
  readonly createdAt: string;
  readonly isFinished: boolean;
}

export function EvaluationCharts({
  evaluation,
  source,
}: {
  evaluation: EvaluationToDraw;
  source: EvaluationSource;
}) {
  const { techniques, compressions, blockSizes, snapshots } = evaluation;
  const [compression, setCompression] = useState(compressions.at(-1) ?? "zstd");
  const [technique, setTechnique] = useState<Technique>(
    techniques.includes("repository") ? "repository" : (techniques[0] ?? "repository"),
  );
  const [blockSize, setBlockSize] = useState(blockSizes.includes(4096) ? 4096 : (blockSizes[0] ?? 4096));
  const byTechnique = techniques.map((each) => TECHNIQUE_SERIES[each]);
  const byCompression = compressions.map((each, index) => ({
    key: each,
    label: each,
    ...(CURVES[index % CURVES.length] ?? CURVES[0]),
  }));
  const words = <SourceWords source={source} count={snapshots.length} />;
  return (
    <div>
      <Summary evaluation={evaluation} />
      <div className="mt-4 grid grid-cols-1 gap-3 sm:grid-cols-3">
        <SelectField
          label="Compression"
          value={compression}
          onChange={(event) => setCompression(event.currentTarget.value)}
        >
          {compressions.map((each) => (
            <option key={each}>{each}</option>
          ))}
        </SelectField>
        <SelectField
          label="Technique of the curves"
          value={technique}
          onChange={(event) => {
            if (isTechnique(event.currentTarget.value)) setTechnique(event.currentTarget.value);
          }}
        >
          {techniques.map((each) => (
            <option key={each} value={each}>
              {TECHNIQUE_SERIES[each].label}
            </option>
          ))}
        </SelectField>
        <SelectField
          label="Block size of the increments"
          value={blockSize}
          onChange={(event) => setBlockSize(Number(event.currentTarget.value))}
        >
          {blockSizes.map((each) => (
            <option key={each} value={each}>
              {blockSizeText(each)}
            </option>
          ))}
        </SelectField>
      </div>
      <div className="mt-5 grid grid-cols-1 gap-x-8 gap-y-8 xl:grid-cols-2">
        <FigureChart
          title={`Saved by each technique, ${compression}`}
          unit="share"
          shape="bars"
          place="Block size"
          points={savings(evaluation, compression)}
          series={byTechnique}
          source={words}
        />
        <FigureChart
          title={`Archive size, ${TECHNIQUE_SERIES[technique].label.toLowerCase()}`}
          unit="bytes"
          shape="curves"
          place="Block size"
          points={archiveSizes(evaluation, technique)}
          series={byCompression}
          source={words}
        />
        <FigureChart
          title={`Initial size, ${compression}`}
          unit="bytes"
          shape="bars"
          place="Block size"
          points={initialSizes(evaluation, compression)}
          series={byTechnique}
          source={words}
        />
        <FigureChart
          title={`What each snapshot adds, ${blockSizeText(blockSize)}, ${compression}`}
          unit="bytes"
          shape="bars"
          place="Snapshot"
          points={increments(evaluation, blockSize, compression)}
          series={byTechnique}
          source={words}
        />
      </div>
    </div>
  );
}

function Summary({ evaluation }: { evaluation: EvaluationToDraw }) {
  const smallest = best(evaluation);
  if (smallest === null) return null;
  const imageBytes = evaluation.snapshots.reduce((sum, snapshot) => sum + snapshot.imageBytes, 0);
  return (
    <p className="text-sm">
      Smallest: <strong>{TECHNIQUE_SERIES[smallest.technique].label.toLowerCase()}</strong>,{" "}
      {blockSizeText(smallest.blockSize)} blocks, {smallest.compression}: {formatBytes(smallest.totalBytes)}{" "}
      for {formatBytes(imageBytes)} of images ({formatShare(imageBytes - smallest.totalBytes, imageBytes)}{" "}
      saved), of that {formatBytes(smallest.metadataBytes)} metadata.
    </p>
  );
}

function SourceWords({ source, count }: { source: EvaluationSource; count: number }) {
  return (
    <>
      Source:{" "}
      <Link href={`/jobs/${source.jobId}`} className="text-accent hover:underline">
        evaluation
      </Link>{" "}
      of {count === 1 ? "one snapshot" : `${count} snapshots`}, <LocalTime iso={source.createdAt} />
      {source.isFinished ? "" : ", still running or interrupted: further block sizes are missing"}. Computed,
      not estimated; all metadata counted.
    </>
  );
}
