// What work on the repository came to: in a few words, and for a scrub and a prune in full. A prune's plan is applied from here.
import { Scissors } from "lucide-react";
import Link from "next/link";
import { upkeepResult } from "#components/storage/upkeep-words.ts";
import { ActionForm, SubmitButton } from "#components/ui/action-form.tsx";
import { Badge } from "#components/ui/badge.tsx";
import { Card } from "#components/ui/card.tsx";
import { HeadRow, Row, Table, Td, Th } from "#components/ui/table.tsx";
import type { UpkeepReport } from "#lib/queries/upkeep-report.ts";
import { applyPruneAction } from "../../../actions/upkeep.ts";

export function UpkeepReportCard({
  report,
  jobId,
  mayPrune,
}: {
  report: UpkeepReport;
  jobId: string;
  mayPrune: boolean;
}) {
  return (
    <Card title="Result">
      <p className="break-words text-sm">{upkeepResult(report)}.</p>
      {report.kind === "evaluate" ? (
        <p className="mt-1 text-sm">
          <Link href="/storage" className="text-accent hover:underline">
            See the charts on the storage page
          </Link>
        </p>
      ) : null}
      {report.kind === "pin" ? (
        <p className="mt-1 text-sm">
          <Link href={`/snapshots/${report.snapshotId}`} className="text-accent hover:underline">
            Back to the snapshot
          </Link>
        </p>
      ) : null}
      {report.kind === "gc" && report.plan !== null && report.plan.mixedDeadBytes > 0 ? (
        <p className="mt-1 text-sm text-ink-2">
          Packs that are needed in part hold more that is not: GC rewrites those of which much is not needed,
          and leaves the others whole.
        </p>
      ) : null}
      {report.kind === "scrub" ? <Findings findings={report.findings} /> : null}
      {report.kind === "prune" && report.decisions.length > 0 ? (
        <Decisions decisions={report.decisions} jobId={jobId} mayPrune={mayPrune} />
      ) : null}
    </Card>
  );
}

function Findings({ findings }: { findings: (UpkeepReport & { kind: "scrub" })["findings"] }) {
  return (
    <ul className="mt-3 space-y-2 text-sm">
      {findings.map((finding) => (
        <li key={finding.file} className="rounded-md bg-sunken px-3 py-2">
          <p className="break-words font-medium">{finding.message}</p>
          <p className="break-all font-mono text-xs text-ink-2">{finding.file}</p>
          {finding.affected.map(({ snapshotId, partition, pageCount }) => (
            <p key={`${snapshotId} ${partition}`}>
              <Link
                href={`/snapshots/${snapshotId}`}
                className="font-mono text-xs text-accent hover:underline"
              >
                {snapshotId}
              </Link>
              , {partition}: {pageCount === 1 ? "1 page" : `${pageCount} pages`}
            </p>
          ))}
        </li>
      ))}
    </ul>
  );
}

function Decisions({
  decisions,
  jobId,
  mayPrune,
}: {
  decisions: (UpkeepReport & { kind: "prune" })["decisions"];
  jobId: string;
  mayPrune: boolean;
}) {
  const dropped = decisions.filter(({ verdict }) => verdict === "drop").length;
  return (
    <>
      {mayPrune && dropped > 0 ? (
        <ActionForm action={applyPruneAction} fields={{ planJobId: jobId }} className="mt-3">
          <SubmitButton variant="danger">
            <Scissors aria-hidden size={14} />
            {dropped === 1 ? "Remove 1 snapshot" : `Remove ${dropped} snapshots`}
          </SubmitButton>
        </ActionForm>
      ) : null}
      <div className="-mx-4 mt-4 border-t border-line">
        <Table label="What stays and what goes">
          <HeadRow>
            <Th>Verdict</Th>
            <Th>PC</Th>
            <Th>Snapshot</Th>
            <Th className="w-full">Why</Th>
          </HeadRow>
          <tbody>
            {decisions.map(({ snapshotId, node, verdict, reasons }) => (
              <Row key={snapshotId}>
                <Td>
                  <Badge tone={verdict === "drop" ? "warn" : "neutral"}>
                    {verdict === "drop" ? "Goes" : "Stays"}
                  </Badge>
                </Td>
                <Td className="whitespace-nowrap font-medium">{node}</Td>
                <Td>
                  <Link
                    href={`/snapshots/${snapshotId}`}
                    className="font-mono text-xs text-accent hover:underline"
                  >
                    {snapshotId.slice(0, 13)}
                  </Link>
                </Td>
                <Td className="min-w-48 text-ink-2">{reasons.join("; ")}</Td>
              </Row>
            ))}
          </tbody>
        </Table>
      </div>
    </>
  );
}
