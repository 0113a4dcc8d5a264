// The matrix's headings: a row of days, and under it each moment's time with a link to its job.
import { BadgeCheck, Camera, Copy, Download, RotateCcw } from "lucide-react";
import Link from "next/link";
import type { MatrixMoment } from "#lib/model/matrix.ts";
import { classNames } from "../ui/class-names.ts";
import type { Position } from "./matrix-types.ts";

const KIND_ICONS = {
  "snapshot-node": Camera,
  "snapshot-classroom": Camera,
  "restore-node": RotateCcw,
  "roll-back-classroom": RotateCcw,
  clone: Copy,
  localize: BadgeCheck,
  verify: Camera,
  evaluate: Camera,
  prune: Camera,
  gc: Camera,
  scrub: Camera,
  "re-segment": Camera,
  pin: Camera,
  "scan-tokens": Camera,
  import: Download,
} as const;

export function MatrixHead({
  moments,
  zone,
  active,
  onFocus,
}: {
  moments: readonly MatrixMoment[];
  zone: string | undefined;
  active: Position;
  onFocus: (at: Position) => void;
}) {
  const day = new Intl.DateTimeFormat("en-GB", {
    weekday: "short",
    day: "numeric",
    month: "short",
    timeZone: zone,
  });
  const time = new Intl.DateTimeFormat("en-GB", {
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
    timeZone: zone,
  });
  return (
    <thead className="sticky top-0 z-20 bg-surface">
      <tr>
        <td aria-hidden className="sticky left-0 z-10 border-r border-line bg-surface" />
        {spansOfDays(moments, day).map((span) => (
          <th
            key={span.key}
            scope="colgroup"
            colSpan={span.count}
            className="border-l border-line px-2 pt-2 text-left text-xs font-medium text-ink-2 first-of-type:border-l-0"
          >
            <span className="sticky left-40 whitespace-nowrap">{span.text}</span>
          </th>
        ))}
      </tr>
      <tr aria-rowindex={1}>
        <th
          scope="col"
          className="sticky left-0 z-10 border-r border-b border-line bg-surface px-3 py-1.5 text-left text-xs font-medium text-ink-3"
        >
          PC
        </th>
        {moments.map((moment, column) => (
          <th
            key={moment.id}
            scope="col"
            aria-colindex={column + 2}
            className="border-b border-line px-0.5 pb-1 font-normal"
          >
            <MomentLink
              moment={moment}
              text={time.format(new Date(moment.at))}
              tabIndex={active.row === -1 && active.column === column ? 0 : -1}
              at={`-1:${column}`}
              onFocus={() => onFocus({ row: -1, column })}
            />
          </th>
        ))}
        <td aria-hidden className="w-full border-b border-line" />
      </tr>
    </thead>
  );
}

function MomentLink({
  moment,
  text,
  tabIndex,
  at,
  onFocus,
}: {
  moment: MatrixMoment;
  text: string;
  tabIndex: number;
  at: string;
  onFocus: () => void;
}) {
  const Icon = KIND_ICONS[moment.kind];
  const ended = moment.state === "succeeded" || moment.state === "queued" || moment.state === "running";
  const body = (
    <>
      <Icon aria-hidden size={11} className={ended ? undefined : "text-bad"} />
      {text}
    </>
  );
  const className = classNames(
    "flex h-6 min-w-14 items-center justify-center gap-1 rounded px-1 text-xs text-ink-2",
    moment.jobId !== null && "hover:bg-sunken hover:text-ink",
  );
  const shared = { title: moment.title, className, tabIndex, "data-at": at, onFocus };
  return moment.jobId === null ? (
    <span {...shared}>{body}</span>
  ) : (
    <Link href={`/jobs/${moment.jobId}`} prefetch={false} aria-label={`${moment.title}, ${text}`} {...shared}>
      {body}
    </Link>
  );
}

function spansOfDays(moments: readonly MatrixMoment[], day: Intl.DateTimeFormat) {
  const spans: { key: string; text: string; count: number }[] = [];
  for (const moment of moments) {
    const text = day.format(new Date(moment.at));
    const last = spans.at(-1);
    if (last?.text === text) last.count += 1;
    else spans.push({ key: moment.id, text, count: 1 });
  }
  return spans;
}
