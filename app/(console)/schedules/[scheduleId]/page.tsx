// One schedule: when next, how long it takes, what became of its runs, and the form to change it.
import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { LiveRefresh } from "#components/live-refresh.tsx";
import { rhythmInWords } from "#components/schedules/rhythm.ts";
import { ScheduleForm } from "#components/schedules/schedule-form.tsx";
import { SCHEDULE_KIND_WORDS } from "#components/schedules/schedule-words.ts";
import { ActionForm, SubmitButton } from "#components/ui/action-form.tsx";
import { Badge } from "#components/ui/badge.tsx";
import { Card, Fact, Facts } from "#components/ui/card.tsx";
import { DialogButton } from "#components/ui/dialog.tsx";
import { PageHeader } from "#components/ui/page-header.tsx";
import { isPermitted } from "#lib/auth/permissions.ts";
import { CodedError } from "#lib/model/errors.ts";
import { type ScheduleView, scheduleView } from "#lib/queries/schedules.ts";
import {
  removeScheduleAction,
  saveScheduleAction,
  switchScheduleAction,
} from "../../../actions/schedules.ts";
import { load } from "../../../load.ts";
import { RunList } from "../run-list.tsx";

export const metadata: Metadata = { title: "Schedule" };

interface Props {
  params: Promise<{ scheduleId: string }>;
}

export default async function SchedulePage({ params }: Props) {
  const { scheduleId } = await params;
  const found = await load(async (viewer) => ({ view: await viewOf(viewer, scheduleId), viewer }));
  if (found.view === null) notFound();
  const { view, viewer } = found;
  const mayChange = isPermitted(viewer, "schedule");
  const { schedule } = view;
  return (
    <>
      <LiveRefresh poll />
      <PageHeader
        crumbs={[{ href: "/schedules", label: "Schedules" }]}
        title={schedule.name}
        meta={schedule.enabled ? <Badge tone="ok">On</Badge> : <Badge>Off</Badge>}
        actions={mayChange ? <Actions view={view} /> : undefined}
      />
      <div className="space-y-4">
        <Card>
          <Facts>
            <Fact label="Does" note={view.targetName}>
              {SCHEDULE_KIND_WORDS[schedule.kind]}
            </Fact>
            <Fact label="When" note={schedule.timeZone}>
              {rhythmInWords(schedule.cron)}
            </Fact>
            <Fact label="Next" note={view.nextRuns.slice(1).join(" · ")}>
              {view.nextRuns[0] ?? "not while it is off"}
            </Fact>
            <Fact label="Takes" note={view.forecast === null ? "known after its first run" : undefined}>
              {view.forecast ?? "—"}
            </Fact>
            <Fact label="In the name of">{view.maker}</Fact>
          </Facts>
        </Card>
        <Card title="Runs" flush>
          <RunList runs={view.runs} />
        </Card>
        {mayChange && view.isOwn ? (
          <Card title="Change it">
            <ScheduleForm action={saveScheduleAction} choices={view.choices} schedule={schedule} />
          </Card>
        ) : null}
        {mayChange && !view.isOwn ? (
          <p className="text-sm text-ink-2">
            It acts in the name of {view.maker}, so only {view.maker} changes it. You may switch it off or
            remove it, and make one of your own.
          </p>
        ) : null}
      </div>
    </>
  );
}

/** Null: there is none. */
async function viewOf(viewer: Parameters<typeof scheduleView>[0], id: string): Promise<ScheduleView | null> {
  try {
    return await scheduleView(viewer, id);
  } catch (thrown) {
    if (thrown instanceof CodedError && thrown.code === "schedule-unknown") return null;
    throw thrown;
  }
}

function Actions({ view: { schedule } }: { view: ScheduleView }) {
  const { id: scheduleId, enabled } = schedule;
  return (
    <>
      <ActionForm action={switchScheduleAction} fields={{ scheduleId, enabled: enabled ? "no" : "yes" }}>
        <SubmitButton variant="secondary">{enabled ? "Switch off" : "Switch on"}</SubmitButton>
      </ActionForm>
      <DialogButton label="Remove" variant="quiet" title="Remove this schedule?">
        <p className="mb-4 text-sm text-ink-2">What runs now goes on to its end. It will not run again.</p>
        <ActionForm action={removeScheduleAction} fields={{ scheduleId }}>
          <SubmitButton variant="danger">Remove schedule</SubmitButton>
        </ActionForm>
      </DialogButton>
    </>
  );
}
