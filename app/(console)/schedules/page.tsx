// What happens by itself: the schedules with their next runs, the coming nights, and when work may begin.
import { CalendarClock } from "lucide-react";
import type { Metadata } from "next";
import Link from "next/link";
import { LiveRefresh } from "#components/live-refresh.tsx";
import { rhythmInWords } from "#components/schedules/rhythm.ts";
import { RunBadge } from "#components/schedules/run-badge.tsx";
import { SCHEDULE_KIND_WORDS } from "#components/schedules/schedule-words.ts";
import { ActionForm, SubmitButton } from "#components/ui/action-form.tsx";
import { Badge } from "#components/ui/badge.tsx";
import { LinkButton } from "#components/ui/button.tsx";
import { Card } from "#components/ui/card.tsx";
import { EmptyState } from "#components/ui/empty-state.tsx";
import { LocalTime } from "#components/ui/local-time.tsx";
import { PageHeader } from "#components/ui/page-header.tsx";
import { HeadRow, Row, Table, Td, Th } from "#components/ui/table.tsx";
import { isPermitted } from "#lib/auth/permissions.ts";
import { type ScheduleRowView, schedulesView } from "#lib/queries/schedules.ts";
import { switchScheduleAction } from "../../actions/schedules.ts";
import { load } from "../../load.ts";
import { BlackoutCard } from "./blackout-card.tsx";
import { NightList } from "./night-list.tsx";
import { WindowCard } from "./window-card.tsx";

export const metadata: Metadata = { title: "Schedules" };

export default async function SchedulesPage() {
  const { view, viewer } = await load(async (viewer) => ({ view: await schedulesView(viewer), viewer }));
  const mayChange = isPermitted(viewer, "schedule");
  return (
    <>
      <LiveRefresh poll />
      <PageHeader
        title="Schedules"
        actions={
          mayChange ? (
            <LinkButton href="/schedules/new" variant="primary">
              New schedule
            </LinkButton>
          ) : undefined
        }
      />
      <div className="space-y-4">
        <Card title="What happens by itself" flush>
          {view.schedules.length === 0 ? (
            <EmptyState icon={CalendarClock} title="Nothing happens by itself yet">
              A schedule takes snapshots of a classroom every night, rolls it back, or looks after the store.
            </EmptyState>
          ) : (
            <ScheduleTable rows={view.schedules} mayChange={mayChange} />
          )}
        </Card>
        <Card title="The coming nights" aside={view.timeZone} flush>
          <NightList nights={view.nights} timeZone={view.timeZone} />
        </Card>
        <div className="grid items-start gap-4 xl:grid-cols-2">
          <WindowCard view={view} mayChange={mayChange} />
          <BlackoutCard view={view} mayChange={mayChange} />
        </div>
      </div>
    </>
  );
}

function ScheduleTable({ rows, mayChange }: { rows: readonly ScheduleRowView[]; mayChange: boolean }) {
  return (
    <Table label="Schedules">
      <HeadRow>
        <Th>Name</Th>
        <Th>When</Th>
        <Th>Next</Th>
        <Th>Last run</Th>
        <Th>Takes</Th>
        <Th>
          <span className="sr-only">On or off</span>
        </Th>
      </HeadRow>
      <tbody>
        {rows.map((row) => (
          <Row key={row.schedule.id}>
            <Td className="min-w-40">
              <Link
                href={`/schedules/${row.schedule.id}`}
                className="break-words font-medium text-accent hover:underline"
              >
                {row.schedule.name}
              </Link>
              <p className="text-xs text-ink-3">
                {SCHEDULE_KIND_WORDS[row.schedule.kind]} · {row.targetName}
              </p>
            </Td>
            <Td className="whitespace-nowrap">
              {rhythmInWords(row.schedule.cron)}
              <p className="text-xs text-ink-3">{row.schedule.timeZone}</p>
            </Td>
            <Td className="whitespace-nowrap tabular-nums">
              {row.nextRuns.length === 0 ? (
                <Badge>Off</Badge>
              ) : (
                row.nextRuns.map((words, index) => (
                  <p key={words} className={index === 0 ? "" : "text-xs text-ink-3"}>
                    {words}
                  </p>
                ))
              )}
            </Td>
            <Td>
              <LastRun row={row} />
            </Td>
            <Td className="min-w-32 text-ink-2">{row.forecast ?? "not known yet"}</Td>
            <Td className="text-right">{mayChange ? <Switch schedule={row.schedule} /> : null}</Td>
          </Row>
        ))}
      </tbody>
    </Table>
  );
}

function LastRun({ row: { newestRun } }: { row: ScheduleRowView }) {
  if (newestRun === null) return <span className="text-ink-3">none yet</span>;
  return (
    <div className="max-w-72">
      <div className="flex flex-wrap items-center gap-x-2">
        <RunBadge state={newestRun.state} />
        <span className="text-xs text-ink-3">
          <LocalTime iso={newestRun.plannedFor} />
        </span>
      </div>
      {newestRun.state === "succeeded" || newestRun.reason === null ? null : (
        <p className="mt-0.5 text-xs text-ink-2">{newestRun.reason}</p>
      )}
    </div>
  );
}

function Switch({ schedule: { id, enabled, name } }: { schedule: ScheduleRowView["schedule"] }) {
  return (
    <ActionForm action={switchScheduleAction} fields={{ scheduleId: id, enabled: enabled ? "no" : "yes" }}>
      <SubmitButton variant="quiet">
        {enabled ? "Switch off" : "Switch on"}
        <span className="sr-only"> {name}</span>
      </SubmitButton>
    </ActionForm>
  );
}
