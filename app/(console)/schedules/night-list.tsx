// The coming nights, one below the other: what is open, what is blacked out, what is planned and when that should be done.
import { Moon, TriangleAlert } from "lucide-react";
import Link from "next/link";
import { Badge } from "#components/ui/badge.tsx";
import { formatSeconds } from "#lib/model/units.ts";
import type { Night, PlannedRun } from "#lib/queries/schedules.ts";

export function NightList({ nights, timeZone }: { nights: readonly Night[]; timeZone: string }) {
  const clock = clockIn(timeZone);
  return (
    <ol className="divide-y divide-line">
      {nights.map((night) => (
        <li key={night.day} className="grid gap-x-6 gap-y-1.5 px-4 py-3 text-sm sm:grid-cols-[9rem_1fr]">
          <div>
            <h3 className="font-medium">{dayIn(timeZone, night.toMs)}</h3>
            <p className="text-xs text-ink-3">
              {night.open.length === 0 ? "no window set" : <Open night={night} clock={clock} />}
            </p>
          </div>
          <div className="min-w-0 space-y-1.5">
            {night.blackouts.map((blackout) => (
              <p key={blackout.id} className="flex flex-wrap items-center gap-x-2">
                <Badge tone="warn" icon={Moon}>
                  Blackout
                </Badge>
                <span className="break-words">{blackout.reason}</span>
                <span className="text-xs text-ink-3">
                  {clock(Date.parse(blackout.from), night)}–{clock(Date.parse(blackout.to), night)}
                </span>
              </p>
            ))}
            {night.runs.map((run) => (
              <Run key={`${run.scheduleId} ${run.plannedForMs}`} run={run} night={night} clock={clock} />
            ))}
            {night.more === 0 ? null : <p className="text-xs text-ink-3">and {night.more} more</p>}
            {night.runs.length === 0 && night.blackouts.length === 0 ? (
              <p className="text-ink-3">Nothing is planned.</p>
            ) : null}
          </div>
        </li>
      ))}
    </ol>
  );
}

type ClockOf = (ms: number, night: Night) => string;

function Open({ night, clock }: { night: Night; clock: ClockOf }) {
  return (
    <>
      {night.open.map(({ name, spans }) => (
        <span key={name} className="block">
          {name}:{" "}
          {spans.map(({ fromMs, toMs }) => `${clock(fromMs, night)}–${clock(toMs, night)}`).join(", ")}
        </span>
      ))}
    </>
  );
}

function Run({ run, night, clock }: { run: PlannedRun; night: Night; clock: ClockOf }) {
  return (
    <div className="flex flex-wrap items-baseline gap-x-2">
      <span className="w-12 tabular-nums">{clock(run.plannedForMs, night)}</span>
      <Link href={`/schedules/${run.scheduleId}`} className="break-words text-accent hover:underline">
        {run.scheduleName}
      </Link>
      <span className="text-xs text-ink-2">{endInWords(run, night, clock)}</span>
      {run.overrunSeconds === 0 ? null : (
        <Badge tone="warn" icon={TriangleAlert}>
          {formatSeconds(run.overrunSeconds)} past the window
        </Badge>
      )}
      {run.because === null ? null : <p className="w-full pl-14 text-xs text-ink-2">{run.because}</p>}
    </div>
  );
}

function endInWords(run: PlannedRun, night: Night, clock: ClockOf): string {
  if (run.beginsAtMs === null) return "will not run";
  const begins = run.because === null ? "" : `begins ${clock(run.beginsAtMs, night)}, `;
  if (run.endsAtMs !== null) return `${begins}done about ${clock(run.endsAtMs, night)}`;
  return `${begins}no forecast before its first run`;
}

/** "02:00" within the night, with its day outside of it. */
function clockIn(timeZone: string): ClockOf {
  const time = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
  const withDay = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
  return (ms, { fromMs, toMs }) => (ms >= fromMs && ms <= toMs ? time : withDay).format(ms);
}

/** "Night to Sun 29 Nov" */
function dayIn(timeZone: string, ms: number): string {
  const day = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    weekday: "short",
    day: "numeric",
    month: "short",
  });
  return `Night to ${day.format(ms)}`;
}
