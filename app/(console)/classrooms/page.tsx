// All classrooms, and where a new one is made.
import { DoorOpen, Plus } from "lucide-react";
import type { Metadata } from "next";
import Link from "next/link";
import { ClassroomCardView } from "#components/classroom-card.tsx";
import { LiveRefresh } from "#components/live-refresh.tsx";
import { ActionForm, SubmitButton } from "#components/ui/action-form.tsx";
import { Card } from "#components/ui/card.tsx";
import { DialogButton } from "#components/ui/dialog.tsx";
import { EmptyState } from "#components/ui/empty-state.tsx";
import { TextField } from "#components/ui/field.tsx";
import { PageHeader } from "#components/ui/page-header.tsx";
import { isPermitted } from "#lib/auth/permissions.ts";
import { classroomsView } from "#lib/queries/classrooms.ts";
import { createGroupAction } from "../../actions/enrolments.ts";
import { load } from "../../load.ts";

export const metadata: Metadata = { title: "Classrooms" };

export default async function ClassroomsPage() {
  const { view, mayManage } = await load(async (viewer) => ({
    view: await classroomsView(viewer),
    mayManage: isPermitted(viewer, "manage-classrooms"),
  }));
  return (
    <>
      <LiveRefresh poll />
      <PageHeader title="Classrooms" actions={mayManage ? <NewClassroom /> : undefined} />
      {view.classrooms.length === 0 ? (
        <Card>
          <EmptyState icon={DoorOpen} title="No classrooms yet">
            A classroom is a group of PCs that is captured and rolled back together. Make one, then approve
            PCs into it.
          </EmptyState>
        </Card>
      ) : (
        <ul className="grid gap-3 sm:grid-cols-2 xl:grid-cols-3">
          {view.classrooms.map((room) => (
            <li key={room.id}>
              <ClassroomCardView room={room} />
            </li>
          ))}
        </ul>
      )}
      {view.looseNodes.length === 0 ? null : (
        <div className="mt-4">
          <Card title="PCs in no classroom">
            <ul className="flex flex-wrap gap-2">
              {view.looseNodes.map((node) => (
                <li key={node.id}>
                  <Link href={`/nodes/${node.id}`} className="rounded-md bg-sunken px-2 py-1 hover:underline">
                    {node.name}
                  </Link>
                </li>
              ))}
            </ul>
          </Card>
        </div>
      )}
    </>
  );
}

function NewClassroom() {
  return (
    <DialogButton
      label="New classroom"
      icon={<Plus aria-hidden size={14} />}
      variant="primary"
      title="New classroom"
    >
      <ActionForm action={createGroupAction} className="space-y-4">
        <TextField label="Name" name="name" required maxLength={64} placeholder="LAB-A" autoComplete="off" />
        <SubmitButton>Make classroom</SubmitButton>
      </ActionForm>
    </DialogButton>
  );
}
