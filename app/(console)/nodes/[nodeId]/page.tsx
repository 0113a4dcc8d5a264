// A PC: whether it is heard, its disks to scale, its snapshots, and the jobs that touched it.
import { Camera, HardDrive, ListChecks, RotateCcw } from "lucide-react";
import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { DiskBar } from "#components/disk-bar.tsx";
import { IdentityBadge } from "#components/identity-badge.tsx";
import { JobTable } from "#components/jobs/job-table.tsx";
import { LiveRefresh } from "#components/live-refresh.tsx";
import { MomentPicker } from "#components/matrix/moment-picker.tsx";
import { SafetyField } from "#components/safety-field.tsx";
import { SnapshotTable } from "#components/snapshot-table.tsx";
import { OnlineBadge } from "#components/state-badges.tsx";
import { StorageChoiceFields } from "#components/storage/storage-choice-fields.tsx";
import { ActionForm, SubmitButton } from "#components/ui/action-form.tsx";
import { Badge } from "#components/ui/badge.tsx";
import { Card, Fact, Facts } from "#components/ui/card.tsx";
import { DialogButton } from "#components/ui/dialog.tsx";
import { EmptyState } from "#components/ui/empty-state.tsx";
import { TextField } from "#components/ui/field.tsx";
import { LocalTime } from "#components/ui/local-time.tsx";
import { Notice } from "#components/ui/notice.tsx";
import { PageHeader } from "#components/ui/page-header.tsx";
import { isPermitted } from "#lib/auth/permissions.ts";
import { type NodeView, nodeView } from "#lib/queries/node.ts";
import { planRestoreAction } from "../../../actions/plans.ts";
import { snapshotNodeAction } from "../../../actions/snapshots.ts";
import { load } from "../../../load.ts";

export const metadata: Metadata = { title: "PC" };

export default async function NodePage({ params }: { params: Promise<{ nodeId: string }> }) {
  const { nodeId } = await params;
  const { view, mayWork } = await load(async (viewer) => ({
    view: await nodeView(viewer, nodeId),
    mayWork: isPermitted(viewer, "snapshot"),
  }));
  if (view === null) notFound();
  const { node } = view;
  const enrolled = node.lifeCycle === "enrolled";
  return (
    <>
      <title>{`${node.name} · Sheepfold`}</title>
      <LiveRefresh poll />
      <PageHeader
        crumbs={
          node.groupId === null
            ? [{ href: "/classrooms", label: "Classrooms" }]
            : [
                { href: "/classrooms", label: "Classrooms" },
                { href: `/classrooms/${node.groupId}`, label: node.groupName ?? "Classroom" },
              ]
        }
        title={node.name}
        meta={
          <>
            <OnlineBadge online={view.online} />
            {view.identity === null ? null : <IdentityBadge identity={view.identity} />}
            {enrolled ? null : <Badge tone="warn">{node.lifeCycle}</Badge>}
          </>
        }
        actions={mayWork && enrolled ? <NodeActions view={view} /> : undefined}
      />
      <div className="space-y-4">
        {enrolled && !view.online ? (
          <Notice
            tone="warn"
            title={`${node.name} is not heard.`}
            hint="Switch it on and check that its agent runs. A job waits a while for it, then says that it did not come."
          />
        ) : null}
        {view.identity === null || view.identity.state === "localized" ? null : (
          <Notice
            tone={view.identity.state === "not-localized" ? "info" : "warn"}
            title={view.identity.words}
            hint="Values are under Variables; localize it from its master's release, under Masters."
          />
        )}
        <Card>
          <NodeFacts view={view} />
        </Card>
        <Card title="Snapshots" aside={snapshotCountText(view)} flush>
          {view.snapshots.length === 0 ? (
            <EmptyState icon={Camera} title="Never captured">
              Until the first snapshot there is nothing this PC could go back to.
            </EmptyState>
          ) : (
            <SnapshotTable
              snapshots={view.snapshots}
              action={
                mayWork && enrolled
                  ? (snapshot) => (
                      <ActionForm
                        action={planRestoreAction}
                        fields={{ kind: "restore-node", subjectId: node.id, at: snapshot.id, safety: "yes" }}
                      >
                        <SubmitButton variant="quiet">Roll back to v{snapshot.version}…</SubmitButton>
                      </ActionForm>
                    )
                  : undefined
              }
            />
          )}
        </Card>
        <Card title="Disks">
          {node.disks.length === 0 ? (
            <EmptyState icon={HardDrive} title="No disks reported">
              The agent reports the PC’s disks each time it starts.
            </EmptyState>
          ) : (
            <div className="space-y-6">
              {node.disks.map((disk) => (
                <DiskBar key={disk.serial} disk={disk} />
              ))}
            </div>
          )}
        </Card>
        <Card title="Jobs" flush>
          {view.jobs.length === 0 ? (
            <EmptyState icon={ListChecks} title="No jobs yet">
              What is done to this PC is recorded here.
            </EmptyState>
          ) : (
            <JobTable label={`Jobs of ${node.name}`} jobs={view.jobs} />
          )}
        </Card>
      </div>
    </>
  );
}

function snapshotCountText(view: NodeView): string | undefined {
  if (view.snapshotCount === 0) return undefined;
  if (view.snapshotCount > view.snapshots.length) {
    return `newest ${view.snapshots.length} of ${view.snapshotCount}`;
  }
  return view.snapshotCount === 1 ? "1 snapshot" : `${view.snapshotCount} snapshots`;
}

function NodeActions({ view: { node, snapshots } }: { view: NodeView }) {
  const moments = snapshots.map((snapshot) => ({
    id: snapshot.id,
    title: `v${snapshot.version}${snapshot.comment === "" ? "" : `, ${snapshot.comment}`}`,
    capturedUntil: snapshot.createdAt,
    value: snapshot.id,
  }));
  return (
    <>
      <DialogButton
        label="Snapshot node"
        icon={<Camera aria-hidden size={14} />}
        variant="primary"
        title={`Snapshot ${node.name}`}
      >
        <ActionForm action={snapshotNodeAction} fields={{ nodeId: node.id }} className="space-y-4">
          <p className="text-sm text-ink-2">
            The PC sends what changed since its last snapshot. Nothing on it is written.
          </p>
          <TextField
            label="Comment (optional)"
            name="comment"
            maxLength={500}
            placeholder="What changed, for later"
          />
          <StorageChoiceFields bases={moments} />
          <SubmitButton>Snapshot {node.name}</SubmitButton>
        </ActionForm>
      </DialogButton>
      <DialogButton
        label="Roll back node"
        icon={<RotateCcw aria-hidden size={14} />}
        title={`Roll back ${node.name}`}
        disabled={snapshots.length === 0}
      >
        <ActionForm
          action={planRestoreAction}
          fields={{ kind: "restore-node", subjectId: node.id }}
          className="space-y-4"
        >
          <MomentPicker name="at" moments={moments} />
          <SafetyField />
          <p className="text-sm text-ink-2">
            You see the plan first; nothing is written before you apply it.
          </p>
          <SubmitButton>Show the plan</SubmitButton>
        </ActionForm>
      </DialogButton>
    </>
  );
}

function NodeFacts({ view: { node } }: { view: NodeView }) {
  return (
    <Facts>
      <Fact label="Last heard">
        {node.lastSeenAt === null ? "never" : <LocalTime iso={node.lastSeenAt} style="ago" />}
      </Fact>
      <Fact label="Classroom">{node.groupName ?? "none"}</Fact>
      <Fact label="Seat">{node.seat ?? "–"}</Fact>
      <Fact label="Agent">{node.agentVersion ?? "–"}</Fact>
      <Fact label="MAC address">
        <span className="break-all font-mono text-sm">{node.macAddress ?? "–"}</span>
      </Fact>
      <Fact label="Serial number">
        <span className="break-all font-mono text-sm">{node.serialNumber ?? "–"}</span>
      </Fact>
    </Facts>
  );
}
