// All jobs: what is under way on top, then what came before.
import { ListChecks } from "lucide-react";
import type { Metadata } from "next";
import Link from "next/link";
import { JOB_STATE_LOOKS } from "#components/job-words.ts";
import { JobCards } from "#components/jobs/job-cards.tsx";
import { JobTable } from "#components/jobs/job-table.tsx";
import { LiveRefresh } from "#components/live-refresh.tsx";
import { Card } from "#components/ui/card.tsx";
import { classNames } from "#components/ui/class-names.ts";
import { EmptyState } from "#components/ui/empty-state.tsx";
import { PageHeader } from "#components/ui/page-header.tsx";
import { FINAL_JOB_STATES, type JobState } from "#lib/model/job.ts";
import { jobsView } from "#lib/queries/jobs.ts";
import { load } from "../../load.ts";

export const metadata: Metadata = { title: "Jobs" };

interface Props {
  searchParams: Promise<{ before?: string; state?: string }>;
}

export default async function JobsPage({ searchParams }: Props) {
  const asked = await searchParams;
  const state = FINAL_JOB_STATES.find((known) => known === asked.state) ?? null;
  const before = asked.before && !Number.isNaN(Date.parse(asked.before)) ? asked.before : null;
  const view = await load((viewer) => jobsView(viewer, { before, state }));
  return (
    <>
      <LiveRefresh />
      <PageHeader title="Jobs" />
      <div className="space-y-4">
        {view.active.length === 0 ? null : (
          <Card title="Under way" flush>
            <JobCards jobs={view.active} />
          </Card>
        )}
        <Card title="Ended" aside={<StateFilter chosen={state} />} flush>
          {view.ended.length === 0 ? (
            <EmptyState icon={ListChecks} title={state === null ? "No job has ended yet" : "None of these"}>
              Snapshots, roll backs and verifications appear here with what became of them.
            </EmptyState>
          ) : (
            <JobTable label="Ended jobs" jobs={view.ended} />
          )}
        </Card>
        {view.olderBefore === null ? null : (
          <p className="text-center text-sm">
            <Link
              className="text-accent hover:underline"
              href={`/jobs?before=${encodeURIComponent(view.olderBefore)}${state === null ? "" : `&state=${state}`}`}
            >
              Older jobs
            </Link>
          </p>
        )}
      </div>
    </>
  );
}

function StateFilter({ chosen }: { chosen: JobState | null }) {
  const items = [null, ...FINAL_JOB_STATES];
  return (
    <nav aria-label="Filter by state" className="flex flex-wrap gap-1">
      {items.map((state) => (
        <Link
          key={state ?? "all"}
          href={state === null ? "/jobs" : `/jobs?state=${state}`}
          aria-current={state === chosen ? "true" : undefined}
          className={classNames(
            "rounded-md px-2 py-0.5 text-xs",
            state === chosen ? "bg-accent-soft font-medium text-accent" : "hover:bg-sunken",
          )}
        >
          {state === null ? "All" : JOB_STATE_LOOKS[state].text}
        </Link>
      ))}
    </nav>
  );
}
