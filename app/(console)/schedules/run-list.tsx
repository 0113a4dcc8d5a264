// The runs of a schedule, newest first: how each ended and why, and the job of each wave, where failed PCs are retried.
import { History } from "lucide-react";
import Link from "next/link";
import { JOB_STATE_LOOKS } from "#components/job-words.ts";
import { RunBadge } from "#components/schedules/run-badge.tsx";
import { EmptyState } from "#components/ui/empty-state.tsx";
import { LocalTime } from "#components/ui/local-time.tsx";
import type { RunDetail } from "#lib/queries/schedules.ts";

type Wave = RunDetail["waves"][number];

export function RunList({ runs }: { runs: readonly RunDetail[] }) {
  if (runs.length === 0) {
    return (
      <EmptyState icon={History} title="It has not run yet">
        Each planned moment appears here, also when it was skipped, and why.
      </EmptyState>
    );
  }
  return (
    <ol className="divide-y divide-line">
      {runs.map((run) => (
        <li key={run.id} className="space-y-1 px-4 py-3 text-sm">
          <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
            <RunBadge state={run.state} />
            <span className="font-medium">
              <LocalTime iso={run.plannedFor} />
            </span>
            <span className="text-xs text-ink-3">
              <Times run={run} />
            </span>
          </div>
          {run.reason === null ? null : <p className="text-ink-2">{run.reason}</p>}
          {run.waves.length === 0 ? null : (
            <ul className="space-y-0.5">
              {run.waves.map((wave) => (
                <WaveLine key={wave.index} wave={wave} />
              ))}
            </ul>
          )}
        </li>
      ))}
    </ol>
  );
}

function Times({ run }: { run: RunDetail }) {
  if (run.beganAt === null) return null;
  const isOpen = run.finishedAt === null;
  return (
    <>
      began <LocalTime iso={run.beganAt} style="time" />
      {run.finishedAt === null ? null : (
        <>
          , ended <LocalTime iso={run.finishedAt} style="time" />
        </>
      )}
      {isOpen && run.expectedAt !== null ? (
        <>
          , expected by <LocalTime iso={run.expectedAt} style="time" />
        </>
      ) : null}
      {isOpen && run.windowEndsAt !== null ? (
        <>
          , window ends <LocalTime iso={run.windowEndsAt} style="time" />
        </>
      ) : null}
      {isOpen && isLate(run) ? " — later than the window’s end" : null}
    </>
  );
}

function isLate({ expectedAt, windowEndsAt }: RunDetail): boolean {
  return expectedAt !== null && windowEndsAt !== null && expectedAt > windowEndsAt;
}

function WaveLine({ wave }: { wave: Wave }) {
  const name =
    wave.pcCount === 0
      ? `Step ${wave.index + 1}`
      : `Wave ${wave.index + 1}, ${wave.pcCount} PC${wave.pcCount === 1 ? "" : "s"}`;
  return (
    <li className="text-ink-2">
      {wave.jobId === null ? (
        name
      ) : (
        <Link href={`/jobs/${wave.jobId}`} className="text-accent hover:underline">
          {name}
        </Link>
      )}
      : {wordsOf(wave)}
    </li>
  );
}

function wordsOf({ result, failure, jobState, pcCount }: Wave): string {
  if (jobState === null) return failure?.message ?? "is about to begin";
  if (pcCount === 0) return failure?.message ?? JOB_STATE_LOOKS[jobState].text.toLowerCase();
  if (result === null) return JOB_STATE_LOOKS[jobState].text.toLowerCase();
  const parts = [
    [result.succeeded, "succeeded"],
    [result.failed, "failed"],
    [result.skipped, "not tried"],
    [result.cancelled, "stopped"],
  ] as const;
  return parts
    .filter(([count]) => count > 0)
    .map(([count, word]) => `${count} ${word}`)
    .join(", ");
}
