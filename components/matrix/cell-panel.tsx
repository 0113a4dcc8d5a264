"use client";

// What a chosen cell tells, and what can be done from it. Beside the grid on wide screens, a sheet at the bottom on narrow
// ones. It takes the focus when it opens; Escape gives it back to the cell.
import { Camera, ListChecks, RotateCcw, X } from "lucide-react";
import Link from "next/link";
import { useEffect, useRef } from "react";
import { eventWords, versionWords } from "#lib/model/matrix.ts";
import { ActionForm, SubmitButton } from "../ui/action-form.tsx";
import { buttonClass } from "../ui/button.tsx";
import { ByteCount } from "../ui/byte-count.tsx";
import type { FormAction } from "../ui/form-state.ts";
import { Notice } from "../ui/notice.tsx";
import type { ChosenCell } from "./matrix-types.ts";

export function CellPanel({
  chosen,
  group,
  momentText,
  mayRollBack,
  planAction,
  onClose,
}: {
  chosen: ChosenCell;
  group: { readonly id: string; readonly name: string };
  momentText: string;
  mayRollBack: boolean;
  planAction: FormAction;
  onClose: () => void;
}) {
  const { row, moment, cell } = chosen;
  const panel = useRef<HTMLElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another cell means a new panel, which takes the focus again.
  useEffect(() => panel.current?.focus({ preventScroll: true }), [row.nodeId, moment.id]);
  return (
    <aside
      ref={panel}
      tabIndex={-1}
      aria-label={`${row.name}, ${momentText}`}
      onKeyDown={(event) => {
        if (event.key === "Escape") onClose();
      }}
      className="fixed inset-x-0 bottom-0 z-40 max-h-[70dvh] overflow-y-auto rounded-t-xl border-t border-line-strong bg-raised p-4 shadow-xl outline-none lg:static lg:max-h-none lg:w-80 lg:shrink-0 lg:rounded-none lg:border-t-0 lg:border-l lg:border-line lg:bg-surface lg:shadow-none"
    >
      <div className="flex items-start justify-between gap-2">
        <div className="min-w-0">
          <h3 className="truncate text-lg">{row.name}</h3>
          <p className="text-sm text-ink-2">{momentText}</p>
        </div>
        <button
          type="button"
          aria-label="Close"
          onClick={onClose}
          className="rounded-md p-1 text-ink-3 hover:bg-sunken hover:text-ink"
        >
          <X aria-hidden size={16} />
        </button>
      </div>
      <CellFacts chosen={chosen} />
      {cell.event?.failure ? (
        <div className="mt-3">
          <Notice tone="bad" title={cell.event.failure.message} hint={cell.event.failure.hint} />
        </div>
      ) : null}
      <div className="mt-4 space-y-2">
        <div className="flex gap-2">
          {cell.version === null ? null : (
            <Link
              href={`/snapshots/${cell.version.snapshotId}`}
              className={buttonClass("secondary", "flex-1")}
            >
              <Camera aria-hidden size={14} />
              {versionWords(cell.version, row.name)}
            </Link>
          )}
          {moment.jobId === null ? null : (
            <Link href={`/jobs/${moment.jobId}`} className={buttonClass("secondary", "flex-1")}>
              <ListChecks aria-hidden size={14} />
              Job
            </Link>
          )}
        </div>
        {mayRollBack && cell.version !== null ? (
          <ActionForm
            action={planAction}
            fields={
              cell.version.nodeName === row.name
                ? { kind: "restore-node", subjectId: row.nodeId, at: cell.version.snapshotId, safety: "yes" }
                : { kind: "clone", nodeId: row.nodeId, snapshotId: cell.version.snapshotId }
            }
          >
            <SubmitButton variant="secondary" className="w-full">
              <RotateCcw aria-hidden size={14} />
              Roll back {row.name} to {versionWords(cell.version, row.name)}…
            </SubmitButton>
          </ActionForm>
        ) : null}
        {mayRollBack && moment.capturedUntil !== null ? (
          <ActionForm
            action={planAction}
            fields={{
              kind: "roll-back-classroom",
              subjectId: group.id,
              at: moment.capturedUntil,
              safety: "yes",
            }}
          >
            <SubmitButton variant="secondary" className="w-full">
              <RotateCcw aria-hidden size={14} />
              Roll back {group.name} to this moment…
            </SubmitButton>
          </ActionForm>
        ) : null}
      </div>
    </aside>
  );
}

function CellFacts({ chosen: { row, cell, moment } }: { chosen: ChosenCell }) {
  const event = cell.event;
  return (
    <dl className="mt-3 grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-1.5 text-sm">
      <dt className="text-ink-3">Event</dt>
      <dd className="first-letter:uppercase">{event === null ? "none for this PC" : eventWords(event)}</dd>
      <dt className="text-ink-3">On its disks</dt>
      <dd>
        {cell.version === null ? "never captured" : versionWords(cell.version, row.name)}
        {cell.certain ? "" : ", uncertain"}
      </dd>
      {event?.changedBytes === null || event?.changedBytes === undefined ? null : (
        <>
          <dt className="text-ink-3">{event.kind === "archive" ? "New data" : "Written"}</dt>
          <dd>
            <ByteCount bytes={event.changedBytes} />
          </dd>
        </>
      )}
      <dt className="text-ink-3">Moment</dt>
      <dd className="break-words">{moment.title}</dd>
    </dl>
  );
}
