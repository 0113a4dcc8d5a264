// A new schedule.
import type { Metadata } from "next";
import { ScheduleForm } from "#components/schedules/schedule-form.tsx";
import { Card } from "#components/ui/card.tsx";
import { PageHeader } from "#components/ui/page-header.tsx";
import { scheduleChoices } from "#lib/queries/schedules.ts";
import { saveScheduleAction } from "../../../actions/schedules.ts";
import { load } from "../../../load.ts";

export const metadata: Metadata = { title: "New schedule" };

export default async function NewSchedulePage() {
  const choices = await load(scheduleChoices);
  return (
    <>
      <PageHeader crumbs={[{ href: "/schedules", label: "Schedules" }]} title="New schedule" />
      <Card>
        <p className="mb-4 text-sm text-ink-2">
          It acts in your name: each run asks whether your role still allows it.
        </p>
        <ScheduleForm action={saveScheduleAction} choices={choices} />
      </Card>
    </>
  );
}
