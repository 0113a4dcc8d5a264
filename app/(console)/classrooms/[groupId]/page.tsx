// A classroom: its matrix, and the two deeds that touch the whole room.
import { Camera, ChevronLeft, ChevronRight, RotateCcw, Users } from "lucide-react";
import type { Metadata } from "next";
import Link from "next/link";
import { notFound } from "next/navigation";
import { LiveRefresh } from "#components/live-refresh.tsx";
import { Matrix } from "#components/matrix/matrix.tsx";
import { MomentPicker, type PickableMoment } from "#components/matrix/moment-picker.tsx";
import { ReadinessBar } from "#components/readiness-bar.tsx";
import { SafetyField } from "#components/safety-field.tsx";
import { StorageChoiceFields } from "#components/storage/storage-choice-fields.tsx";
import { ActionForm, SubmitButton } from "#components/ui/action-form.tsx";
import { LinkButton } from "#components/ui/button.tsx";
import { Card } from "#components/ui/card.tsx";
import { DialogButton } from "#components/ui/dialog.tsx";
import { EmptyState } from "#components/ui/empty-state.tsx";
import { TextField } from "#components/ui/field.tsx";
import { PageHeader } from "#components/ui/page-header.tsx";
import { isPermitted } from "#lib/auth/permissions.ts";
import { classroomView } from "#lib/queries/classroom.ts";
import { planRestoreAction } from "../../../actions/plans.ts";
import { snapshotClassroomAction } from "../../../actions/snapshots.ts";
import { load } from "../../../load.ts";

interface Props {
  params: Promise<{ groupId: string }>;
  searchParams: Promise<{ before?: string }>;
}

export const metadata: Metadata = { title: "Classroom" };

export default async function ClassroomPage({ params, searchParams }: Props) {
  const { groupId } = await params;
  const before = momentOf((await searchParams).before);
  const { room, mayWork } = await load(async (viewer) => ({
    room: await classroomView(viewer, groupId, { before }),
    mayWork: isPermitted(viewer, "snapshot"),
  }));
  if (room === null) notFound();
  const pickable = room.moments.flatMap((moment): PickableMoment[] =>
    moment.capturedUntil === null ? [] : [{ ...moment, capturedUntil: moment.capturedUntil }],
  );
  return (
    <>
      <title>{`${room.name} · Sheepfold`}</title>
      <LiveRefresh />
      <PageHeader
        crumbs={[{ href: "/classrooms", label: "Classrooms" }]}
        title={room.name}
        meta={
          <span className="text-sm text-ink-2">
            {room.nodeCount === 1 ? "1 PC" : `${room.nodeCount} PCs`}
          </span>
        }
        actions={
          mayWork && room.nodeCount > 0 ? (
            <>
              <SnapshotDialog room={room} />
              <RollBackDialog room={room} moments={pickable.reverse()} />
            </>
          ) : undefined
        }
      />
      <div className="mb-4">
        <ReadinessBar counts={room.counts} />
      </div>
      <Card
        title="History"
        aside={<Pager groupId={groupId} before={before} olderBefore={room.olderBefore} />}
        flush
      >
        {room.nodeCount === 0 ? (
          <EmptyState
            icon={Users}
            title="No PCs yet"
            action={<LinkButton href="/enrolments">Open the enrolment inbox</LinkButton>}
          >
            Start the agent on a PC, then approve it into {room.name}.
          </EmptyState>
        ) : room.moments.length === 0 ? (
          <EmptyState icon={Camera} title="No history yet">
            The first snapshot of this classroom starts its history; after it, every change is one column
            here.
          </EmptyState>
        ) : (
          <Matrix
            group={{ id: room.id, name: room.name }}
            moments={room.moments}
            rows={room.rows}
            mayRollBack={mayWork}
            planAction={planRestoreAction}
          />
        )}
      </Card>
    </>
  );
}

function SnapshotDialog({ room }: { room: { id: string; name: string; nodeCount: number } }) {
  return (
    <DialogButton
      label="Snapshot classroom"
      icon={<Camera aria-hidden size={14} />}
      variant="primary"
      title={`Snapshot ${room.name}`}
    >
      <ActionForm action={snapshotClassroomAction} fields={{ groupId: room.id }} className="space-y-4">
        <p className="text-sm text-ink-2">
          Every PC of {room.name} sends what changed since its last snapshot. Nothing on the PCs is written.
        </p>
        <TextField
          label="Comment (optional)"
          name="comment"
          maxLength={500}
          placeholder="What changed, for later"
        />
        <StorageChoiceFields bases={[]} />
        <SubmitButton>Snapshot {room.nodeCount === 1 ? "1 PC" : `${room.nodeCount} PCs`}</SubmitButton>
      </ActionForm>
    </DialogButton>
  );
}

function RollBackDialog({
  room,
  moments,
}: {
  room: { id: string; name: string };
  moments: readonly PickableMoment[];
}) {
  return (
    <DialogButton
      label="Roll back classroom"
      icon={<RotateCcw aria-hidden size={14} />}
      title={`Roll back ${room.name}`}
      disabled={moments.length === 0}
    >
      <ActionForm
        action={planRestoreAction}
        fields={{ kind: "roll-back-classroom", subjectId: room.id }}
        className="space-y-4"
      >
        <MomentPicker name="at" moments={moments} />
        <SafetyField />
        <p className="text-sm text-ink-2">
          Each PC goes back to what was on its disks at this moment, as the table shows it. You see the plan
          first; nothing is written before you apply it.
        </p>
        <SubmitButton>Show the plan</SubmitButton>
      </ActionForm>
    </DialogButton>
  );
}

function Pager({
  groupId,
  before,
  olderBefore,
}: {
  groupId: string;
  before: string | null;
  olderBefore: string | null;
}) {
  if (before === null && olderBefore === null) return null;
  const base = `/classrooms/${groupId}`;
  return (
    <nav aria-label="History" className="flex gap-3">
      {olderBefore === null ? null : (
        <Link
          href={`${base}?before=${encodeURIComponent(olderBefore)}`}
          className="flex items-center hover:underline"
        >
          <ChevronLeft aria-hidden size={14} /> Older
        </Link>
      )}
      {before === null ? null : (
        <Link href={base} className="flex items-center hover:underline">
          Newest <ChevronRight aria-hidden size={14} />
        </Link>
      )}
    </nav>
  );
}

/** A time from the address bar, or null when it is none. */
function momentOf(text: string | undefined): string | null {
  if (text === undefined || Number.isNaN(Date.parse(text))) return null;
  return new Date(text).toISOString();
}
