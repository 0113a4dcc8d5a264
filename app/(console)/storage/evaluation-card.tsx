// The newest evaluation as charts, and the form that asks for another.
import { FlaskConical } from "lucide-react";
import Link from "next/link";
import { EvaluationCharts } from "#components/storage/evaluation-charts.tsx";
import { blockSizeText } from "#components/storage/evaluation-series.ts";
import { ActionForm, SubmitButton } from "#components/ui/action-form.tsx";
import { Card } from "#components/ui/card.tsx";
import { DialogButton } from "#components/ui/dialog.tsx";
import { EmptyState } from "#components/ui/empty-state.tsx";
import { SelectField, TextField } from "#components/ui/field.tsx";
import type { EvaluationToShow, LastRun, StorageView } from "#lib/queries/storage.ts";
import { evaluateAction } from "../../actions/upkeep.ts";

const BLOCK_SIZES = Array.from({ length: 14 }, (_, power) => 512 << power);
const USUALLY_CHECKED = new Set([512, 4096, 16_384, 65_536]);
const COMPRESSIONS = ["none", "gzip", "zstd"] as const;

export function EvaluationCard({
  evaluation,
  lastRun,
  nodes,
  mayEvaluate,
}: {
  evaluation: EvaluationToShow | null;
  lastRun: LastRun | null;
  nodes: StorageView["nodes"];
  mayEvaluate: boolean;
}) {
  const running = lastRun?.job?.state === "running" || lastRun?.job?.state === "queued" ? lastRun.job : null;
  return (
    <Card
      title="What other techniques would cost"
      aside={mayEvaluate && nodes.length > 0 ? <EvaluateDialog nodes={nodes} /> : undefined}
    >
      {running === null ? null : (
        <p className="mb-3 text-sm text-ink-2">
          <Link href={`/jobs/${running.id}`} className="text-accent hover:underline">
            {running.title}
          </Link>{" "}
          is being computed; figures appear a block size at a time.
        </p>
      )}
      {evaluation === null ? (
        <EmptyState icon={FlaskConical} title="Not evaluated yet">
          An evaluation computes, from a PC’s own snapshots, what full images, diffs and the repository would
          take, by block size and compression.
        </EmptyState>
      ) : (
        <EvaluationCharts
          key={`${evaluation.id} ${evaluation.blockSizes.length}`}
          evaluation={{
            snapshots: evaluation.snapshots,
            techniques: evaluation.wish.techniques,
            compressions: evaluation.wish.compressions,
            blockSizes: evaluation.blockSizes,
            rows: evaluation.rows,
          }}
          source={{
            jobId: evaluation.jobId,
            createdAt: evaluation.createdAt,
            isFinished: evaluation.finishedAt !== null,
          }}
        />
      )}
    </Card>
  );
}

function EvaluateDialog({ nodes }: { nodes: StorageView["nodes"] }) {
  return (
    <DialogButton label="Evaluate" icon={<FlaskConical aria-hidden size={14} />} title="Evaluate snapshots">
      <ActionForm action={evaluateAction} className="space-y-4">
        <p className="text-sm text-ink-2">
          Everything new is compressed once for each block size and compression: minutes for a gibibyte. It
          runs beside other jobs, can be cancelled, and goes on after a restart.
        </p>
        <SelectField label="PC" name="nodeId" required>
          {nodes.map((node) => (
            <option key={node.nodeId} value={node.nodeId}>
              {`${node.nodeName} (${node.snapshotCount})`}
            </option>
          ))}
        </SelectField>
        <TextField
          label="Its newest snapshots"
          name="snapshotCount"
          type="number"
          min={1}
          max={64}
          defaultValue={8}
        />
        <Choices
          legend="Block sizes"
          name="blockSizes"
          values={BLOCK_SIZES.map((size) => [String(size), blockSizeText(size), USUALLY_CHECKED.has(size)])}
        />
        <Choices
          legend="Compressions"
          name="compressions"
          values={COMPRESSIONS.map((each) => [each, each, true])}
        />
        <SubmitButton>Evaluate them</SubmitButton>
      </ActionForm>
    </DialogButton>
  );
}

function Choices({
  legend,
  name,
  values,
}: {
  legend: string;
  name: string;
  values: readonly (readonly [value: string, text: string, isChecked: boolean])[];
}) {
  return (
    <fieldset>
      <legend className="mb-1 text-xs font-medium text-ink-2">{legend}</legend>
      <div className="flex flex-wrap gap-x-4 gap-y-1.5">
        {values.map(([value, text, isChecked]) => (
          <label key={value} className="flex items-center gap-1.5 text-sm">
            <input
              type="checkbox"
              name={name}
              value={value}
              defaultChecked={isChecked}
              className="accent-accent-fill"
            />
            {text}
          </label>
        ))}
      </div>
    </fieldset>
  );
}
