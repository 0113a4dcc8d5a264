// The upkeep of the store: what there is to do, when it was last done and what came of it, and the button for each.
import { Microscope, PackageCheck, Recycle, Scissors, ShieldCheck } from "lucide-react";
import Link from "next/link";
import type { ReactNode } from "react";
import { JOB_KIND_WORDS } from "#components/job-words.ts";
import { JobStateBadge } from "#components/state-badges.tsx";
import { UPKEEP_PURPOSE, upkeepResult } from "#components/storage/upkeep-words.ts";
import { ActionForm, SubmitButton } from "#components/ui/action-form.tsx";
import { Card } from "#components/ui/card.tsx";
import { LocalTime } from "#components/ui/local-time.tsx";
import { type Action, isPermitted } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/viewer.ts";
import type { UpkeepJobKind } from "#lib/model/job.ts";
import type { LastRun } from "#lib/queries/storage.ts";
import { verifyAction } from "../../actions/snapshots.ts";
import { collectGarbageAction, planPruneAction, reSegmentAction, scrubAction } from "../../actions/upkeep.ts";

const ACTION_OF: Readonly<Record<Exclude<UpkeepJobKind, "evaluate">, Action>> = {
  verify: "verify",
  scrub: "upkeep",
  prune: "prune",
  gc: "upkeep",
  "re-segment": "upkeep",
};

export function UpkeepCard({
  lastRuns,
  viewer,
  repositoryId,
  mayPlanPrune,
}: {
  lastRuns: readonly LastRun[];
  viewer: Viewer;
  repositoryId: string;
  /** Somebody has chosen what is kept. */
  mayPlanPrune: boolean;
}) {
  return (
    <Card title="Upkeep" flush>
      <ul className="divide-y divide-line">
        {lastRuns.map((run) =>
          run.kind === "evaluate" ? null : (
            <li
              key={run.kind}
              className="flex flex-wrap items-center justify-between gap-x-6 gap-y-2 px-4 py-3"
            >
              <div className="min-w-0 flex-1 basis-72">
                <p className="font-medium">{JOB_KIND_WORDS[run.kind]}</p>
                <p className="text-sm text-ink-2">{UPKEEP_PURPOSE[run.kind]}</p>
                <LastRunWords run={run} />
              </div>
              {isPermitted(viewer, ACTION_OF[run.kind]) ? (
                <div className="flex flex-wrap items-center gap-2">
                  <Buttons kind={run.kind} repositoryId={repositoryId} mayPlanPrune={mayPlanPrune} />
                </div>
              ) : null}
            </li>
          ),
        )}
      </ul>
    </Card>
  );
}

function LastRunWords({ run: { job, report } }: { run: LastRun }) {
  if (job === null) return <p className="mt-1 text-xs text-ink-3">Never done.</p>;
  return (
    <p className="mt-1 flex flex-wrap items-center gap-x-2 gap-y-1 text-xs text-ink-3">
      <JobStateBadge state={job.state} />
      <Link href={`/jobs/${job.id}`} className="text-accent hover:underline">
        <LocalTime iso={job.createdAt} />
      </Link>
      <span>{report === null ? (job.failure?.message ?? "") : upkeepResult(report)}</span>
    </p>
  );
}

function Buttons({
  kind,
  repositoryId,
  mayPlanPrune,
}: {
  kind: Exclude<UpkeepJobKind, "evaluate">;
  repositoryId: string;
  mayPlanPrune: boolean;
}): ReactNode {
  switch (kind) {
    case "verify":
      return (
        <ActionForm action={verifyAction}>
          <SubmitButton variant="secondary">
            <ShieldCheck aria-hidden size={14} />
            Verify everything
          </SubmitButton>
        </ActionForm>
      );
    case "scrub":
      return (
        <>
          <ActionForm action={scrubAction} fields={{ minutesMax: "60" }}>
            <SubmitButton variant="secondary">
              <Microscope aria-hidden size={14} />
              Scrub for an hour
            </SubmitButton>
          </ActionForm>
          <ActionForm action={scrubAction} fields={{ deep: "yes" }}>
            <SubmitButton variant="quiet">Scrub all, deep</SubmitButton>
          </ActionForm>
        </>
      );
    case "prune":
      return mayPlanPrune ? (
        <ActionForm action={planPruneAction} fields={{ repositoryId }}>
          <SubmitButton variant="secondary">
            <Scissors aria-hidden size={14} />
            Plan a prune
          </SubmitButton>
        </ActionForm>
      ) : (
        <p className="text-sm text-ink-2">Choose first what is kept.</p>
      );
    case "gc":
      return (
        <>
          <ActionForm action={collectGarbageAction}>
            <SubmitButton variant="secondary">
              <Recycle aria-hidden size={14} />
              Free now
            </SubmitButton>
          </ActionForm>
          <ActionForm action={collectGarbageAction} fields={{ isPlan: "yes" }}>
            <SubmitButton variant="quiet">Only look</SubmitButton>
          </ActionForm>
        </>
      );
    case "re-segment":
      return (
        <>
          <ActionForm action={reSegmentAction} fields={{ minutesMax: "60" }}>
            <SubmitButton variant="secondary">
              <PackageCheck aria-hidden size={14} />
              Re-segment for an hour
            </SubmitButton>
          </ActionForm>
          <ActionForm action={reSegmentAction}>
            <SubmitButton variant="quiet">Re-segment all</SubmitButton>
          </ActionForm>
        </>
      );
  }
}
