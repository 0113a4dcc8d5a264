// The plan of a roll back, before anything is written: what will be restored, what is left out and why, how many bytes. It
// is applied by its hash, so that what runs is what is shown here; a classroom asks for its name.
import { RotateCcw } from "lucide-react";
import type { Metadata } from "next";
import Link from "next/link";
import { notFound } from "next/navigation";
import { ApplyPlanForm } from "#components/apply-plan-form.tsx";
import { SKIP_WORDS } from "#components/job-words.ts";
import { ActionForm, SubmitButton } from "#components/ui/action-form.tsx";
import { Badge } from "#components/ui/badge.tsx";
import { LinkButton } from "#components/ui/button.tsx";
import { ByteCount } from "#components/ui/byte-count.tsx";
import { Card, Fact, Facts } from "#components/ui/card.tsx";
import { LocalTime } from "#components/ui/local-time.tsx";
import { Notice } from "#components/ui/notice.tsx";
import { PageHeader } from "#components/ui/page-header.tsx";
import { HeadRow, Row, Table, Td, Th } from "#components/ui/table.tsx";
import { isPermitted } from "#lib/auth/permissions.ts";
import { wishOf } from "#lib/commands/apply-restore-plan.ts";
import { leftInWords } from "#lib/model/estimate.ts";
import { isOfMaster, nameToConfirm, type RestorePlan, type RestorePlanItem } from "#lib/model/plan.ts";
import { type PlanView, planView } from "#lib/queries/plan.ts";
import { applyPlanAction, planRestoreAction } from "../../../actions/plans.ts";
import { load } from "../../../load.ts";

export const metadata: Metadata = { title: "Plan" };

export default async function PlanPage({ params }: { params: Promise<{ planId: string }> }) {
  const { planId } = await params;
  const { view, mayApply } = await load(async (viewer) => ({
    view: await planView(viewer, planId),
    mayApply: isPermitted(viewer, "restore"),
  }));
  if (view === null) notFound();
  const { plan } = view;
  const home = homeOf(plan);
  const title = `Plan: ${deedOf(plan)}`;
  const outcome = isOfMaster(plan.kind) ? "Will be overwritten" : "Will be restored";
  return (
    <>
      <title>{`${title} · Sheepfold`}</title>
      <PageHeader
        crumbs={[
          plan.kind === "undo"
            ? { href: "/jobs", label: "Jobs" }
            : { href: "/classrooms", label: "Classrooms" },
          { href: home, label: isOfMaster(plan.kind) ? "Snapshot" : plan.subjectName },
        ]}
        title={title}
        meta={<PlanStateBadge view={view} />}
      />
      <div className="space-y-4">
        <Card>
          <PlanFacts view={view} />
        </Card>
        <Card title={`${outcome} (${view.restored.length})`} flush>
          {view.restored.length === 0 ? (
            <p className="p-4 text-ink-2">No PC can be; the reasons are below.</p>
          ) : (
            <ItemTable label={outcome} items={view.restored} releaseId={view.releaseId} />
          )}
        </Card>
        {view.skipped.length === 0 ? null : (
          <Card title={`Left out (${view.skipped.length})`} flush>
            <ItemTable label="Left out" items={view.skipped} releaseId={null} />
          </Card>
        )}
        <Card title="Apply">
          <ApplySection view={view} home={home} mayApply={mayApply} />
        </Card>
      </div>
    </>
  );
}

function PlanStateBadge({ view }: { view: PlanView }) {
  if (view.state === "applied") return <Badge tone="ok">Applied</Badge>;
  if (view.state === "expired") return <Badge tone="warn">Expired</Badge>;
  return <Badge tone="accent">Not applied yet</Badge>;
}

function PlanFacts({ view }: { view: PlanView }) {
  const { plan } = view;
  return (
    <Facts>
      <Fact label={isOfMaster(plan.kind) ? "Snapshot of" : "Back to"}>
        <LocalTime iso={plan.at} />
      </Fact>
      <Fact label="PCs to write">
        {view.restored.length} of {plan.items.length}
      </Fact>
      <Fact label="To compare" note="partitions in full">
        <ByteCount bytes={view.compareBytes} />
      </Fact>
      <Fact
        label={isOfMaster(plan.kind) ? "To write at most" : "Known to have changed"}
        note="only differences are written"
      >
        <ByteCount bytes={view.knownChangedBytes} />
      </Fact>
      <Fact label="From the server" note="once per chain; PCs pass it on">
        <ByteCount bytes={view.sentBytes} />
      </Fact>
      <Fact label="It takes about" note="by the last restores">
        {view.estimate === null ? "not known yet" : leftInWords(view.estimate)}
      </Fact>
      <Fact label="Valid until">
        <LocalTime iso={plan.expiresAt} style="time" />
      </Fact>
      <Fact label="Hash">
        <code className="font-mono text-sm" title={plan.hash}>
          {plan.hash.slice(0, 12)}
        </code>
      </Fact>
    </Facts>
  );
}

function ItemTable({
  label,
  items,
  releaseId,
}: {
  label: string;
  items: readonly RestorePlanItem[];
  /** Where each PC's identity is previewed. */
  releaseId: string | null;
}) {
  return (
    <Table label={label}>
      <HeadRow>
        <Th>PC</Th>
        <Th>Snapshot</Th>
        <Th>Why</Th>
        <Th className="text-right">To compare</Th>
        <Th className="text-right">Written at most</Th>
      </HeadRow>
      <tbody>
        {items.map((item) => (
          <Row key={item.nodeId}>
            <Td className="whitespace-nowrap font-medium">
              <Link href={`/nodes/${item.nodeId}`} className="hover:underline">
                {item.nodeName}
              </Link>
            </Td>
            <Td className="whitespace-nowrap">
              {item.snapshotId === null || item.snapshotAt === null ? (
                "–"
              ) : (
                <Link href={`/snapshots/${item.snapshotId}`} className="text-accent hover:underline">
                  <LocalTime iso={item.snapshotAt} />
                </Link>
              )}
            </Td>
            <Td className="min-w-64 text-ink-2">
              {item.reason === null ? null : (
                <span className="mr-2">
                  <Badge tone="warn">{SKIP_WORDS[item.reason]}</Badge>
                </span>
              )}
              {item.steps === undefined ? null : (
                <span className="mr-2 whitespace-nowrap font-medium text-ink">
                  {item.steps.map((step) => STEP_WORDS[step]).join(" → ")}.
                </span>
              )}
              {item.explanation}{" "}
              {releaseId === null ? null : (
                <Link
                  href={`/masters/${releaseId}?preview=${item.nodeId}`}
                  className="whitespace-nowrap text-accent hover:underline"
                >
                  What it gets
                </Link>
              )}
            </Td>
            <Td className="text-right">
              {item.action === "skip" ? "–" : <ByteCount bytes={item.compareBytes} />}
            </Td>
            <Td className="text-right">
              {item.action === "skip" ? "–" : <ByteCount bytes={item.knownChangedBytes} />}
            </Td>
          </Row>
        ))}
      </tbody>
    </Table>
  );
}

const STEP_WORDS = {
  safety: "Snapshot",
  restore: "Roll back",
  clone: "Clone",
  localize: "Localize",
  baseline: "Baseline",
} as const;

function ApplySection({ view, home, mayApply }: { view: PlanView; home: string; mayApply: boolean }) {
  const { plan, state, jobId } = view;
  if (state === "applied") {
    return (
      <Notice tone="ok" title="This plan was applied.">
        {jobId === null ? undefined : <LinkButton href={`/jobs/${jobId}`}>Open its job</LinkButton>}
      </Notice>
    );
  }
  if (!mayApply) {
    return <Notice title="Your role may read this plan, not apply it." hint="Ask an operator to apply it." />;
  }
  const {
    nodeIds,
    replaceLayouts,
    baseline,
    safety,
    onlyNodeIds: _part,
    ...named
  } = {
    ...{ nodeIds: [], replaceLayouts: false, baseline: true, safety: false, onlyNodeIds: [] },
    ...wishOf(plan),
  };
  const fields = {
    ...named,
    ...(replaceLayouts ? { replaceLayouts: "yes" } : {}),
    ...(plan.kind === "localize" && baseline ? { baseline: "yes" } : {}),
    ...(safety ? { safety: "yes" } : {}),
  };
  const planAgain = (
    <ActionForm action={planRestoreAction} fields={fields}>
      {nodeIds.map((nodeId) => (
        <input key={nodeId} type="hidden" name="nodeId" value={nodeId} />
      ))}
      <SubmitButton variant="secondary">
        <RotateCcw aria-hidden size={14} />
        Plan again
      </SubmitButton>
    </ActionForm>
  );
  if (state === "expired") {
    return (
      <Notice
        tone="warn"
        title="This plan is too old to apply."
        hint="The PCs may have changed since it was shown."
      >
        {planAgain}
      </Notice>
    );
  }
  if (view.restored.length === 0) {
    return (
      <Notice
        tone="warn"
        title="There is nothing to apply."
        hint="Remove the causes named above, then plan again."
      >
        {planAgain}
      </Notice>
    );
  }
  return (
    <ApplyPlanForm
      action={applyPlanAction}
      planId={plan.id}
      planHash={plan.hash}
      confirmName={nameToConfirm(plan)}
      label={labelOf(view)}
      cancelHref={home}
    />
  );
}

function homeOf({ kind, subject, items }: RestorePlan): string {
  if (isOfMaster(kind)) return `/snapshots/${items[0]?.snapshotId ?? subject}`;
  if (kind === "undo") return `/jobs/${subject}`;
  return kind === "roll-back-classroom" ? `/classrooms/${subject}` : `/nodes/${subject}`;
}

function deedOf({ kind, subjectName }: RestorePlan): string {
  if (kind === "undo") return `undo “${subjectName}”`;
  if (kind === "localize") return `localize ${subjectName}`;
  return kind === "clone" ? `clone to ${subjectName}` : `roll back ${subjectName}`;
}

function labelOf({ plan, restored }: PlanView): string {
  const deed = isOfMaster(plan.kind) ? "Overwrite" : "Roll back";
  if (plan.items.length === 1) return `${deed} ${plan.items[0]?.nodeName ?? plan.subjectName}`;
  const all = `${plan.items.length} PCs`;
  // PCs that were chosen one by one are called by their number.
  const isNumber = plan.subjectName === all || plan.kind === "undo";
  return `${deed} ${restored.length} of ${all}${isNumber ? "" : ` of ${plan.subjectName}`}`;
}
