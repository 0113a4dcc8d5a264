// The enrolment inbox. A PC is let in by its key; the code on its screen is how a person knows that it is this PC.
import { Inbox } from "lucide-react";
import type { Metadata } from "next";
import { LiveRefresh } from "#components/live-refresh.tsx";
import { ActionForm, SubmitButton } from "#components/ui/action-form.tsx";
import { LinkButton } from "#components/ui/button.tsx";
import { Card } from "#components/ui/card.tsx";
import { EmptyState } from "#components/ui/empty-state.tsx";
import { SelectField, TextField } from "#components/ui/field.tsx";
import { LocalTime } from "#components/ui/local-time.tsx";
import { Notice } from "#components/ui/notice.tsx";
import { PageHeader } from "#components/ui/page-header.tsx";
import { isPermitted } from "#lib/auth/permissions.ts";
import { type EnrolmentsView, enrolmentsView } from "#lib/queries/enrolments.ts";
import { approveNodeAction, refuseNodeAction } from "../../actions/enrolments.ts";
import { load } from "../../load.ts";

export const metadata: Metadata = { title: "Enrolments" };

export default async function EnrolmentsPage() {
  const { view, mayEnrol } = await load(async (viewer) => ({
    view: await enrolmentsView(viewer),
    mayEnrol: isPermitted(viewer, "enrol"),
  }));
  return (
    <>
      <LiveRefresh poll />
      <PageHeader title="Enrolments" />
      <div className="space-y-4">
        {mayEnrol && view.pending.length > 0 && view.groups.length === 0 ? (
          <Notice tone="warn" title="There is no classroom to approve PCs into." hint="Make one first.">
            <LinkButton href="/classrooms">Make a classroom</LinkButton>
          </Notice>
        ) : null}
        <Card title="PCs that ask to be let in" flush>
          {view.pending.length === 0 ? (
            <EmptyState icon={Inbox} title="Nobody is waiting">
              Start the agent on a PC. It appears here with a short code that its own screen shows too. PCs
              with an enrolment key (see Settings) come in without waiting.
            </EmptyState>
          ) : (
            <ul className="divide-y divide-line">
              {view.pending.map((pc) => (
                <li key={pc.id} className="p-4">
                  <PendingPc pc={pc} groups={view.groups} mayEnrol={mayEnrol} />
                </li>
              ))}
            </ul>
          )}
        </Card>
      </div>
    </>
  );
}

function PendingPc({
  pc,
  groups,
  mayEnrol,
}: {
  pc: EnrolmentsView["pending"][number];
  groups: EnrolmentsView["groups"];
  mayEnrol: boolean;
}) {
  return (
    <div className="grid gap-4 lg:grid-cols-[11rem_minmax(0,1fr)_minmax(0,26rem)]">
      <div>
        <p className="text-xs text-ink-3">Code on its screen</p>
        <p className="font-mono text-2xl font-semibold tracking-widest">{pc.code}</p>
      </div>
      <dl className="grid grid-cols-[auto_minmax(0,1fr)] content-start gap-x-4 gap-y-0.5 text-sm">
        <dt className="text-ink-3">Calls itself</dt>
        <dd className="break-all">{pc.proposedName}</dd>
        <dt className="text-ink-3">MAC address</dt>
        <dd className="break-all font-mono text-xs leading-5">{pc.macAddress ?? "–"}</dd>
        <dt className="text-ink-3">Serial</dt>
        <dd className="break-all font-mono text-xs leading-5">{pc.serialNumber ?? "–"}</dd>
        <dt className="text-ink-3">Key</dt>
        <dd className="break-all font-mono text-xs leading-5" title={pc.keyHash}>
          {pc.keyHash.slice(0, 16)}
        </dd>
        <dt className="text-ink-3">Since</dt>
        <dd>
          <LocalTime iso={pc.firstSeenAt} />
        </dd>
      </dl>
      {mayEnrol ? (
        <div className="space-y-2">
          <ActionForm action={approveNodeAction} fields={{ nodeId: pc.id }}>
            <div className="flex flex-wrap items-end gap-2">
              <TextField
                className="flex-1 basis-32"
                label="Name"
                name="name"
                defaultValue={pc.proposedName}
                required
                maxLength={64}
                autoComplete="off"
              />
              <SelectField className="flex-1 basis-32" label="Classroom" name="groupId" required>
                {groups.map((group) => (
                  <option key={group.id} value={group.id}>
                    {group.name}
                  </option>
                ))}
              </SelectField>
              <SubmitButton disabled={groups.length === 0}>Approve</SubmitButton>
            </div>
          </ActionForm>
          <ActionForm action={refuseNodeAction} fields={{ nodeId: pc.id }}>
            <SubmitButton variant="quiet">Refuse</SubmitButton>
          </ActionForm>
        </div>
      ) : (
        <p className="text-sm text-ink-3">An administrator decides.</p>
      )}
    </div>
  );
}
