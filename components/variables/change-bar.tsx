"use client";

// Below the grid: how many changes wait, and the two ways out of that. Saving is one request, all or nothing; what went wrong stands
// here, and nothing that was typed is lost by it. Whoever is about to leave with changes is asked first.
import { LoaderCircle } from "lucide-react";
import { type Ref, useEffect, useState, useTransition } from "react";
import type { GridRow } from "#lib/model/variable-grid.ts";
import { Button } from "../ui/button.tsx";
import { type FormState, IDLE } from "../ui/form-state.ts";
import { Notice } from "../ui/notice.tsx";
import { type Drafts, draftCount, wishesOf, withoutSaved } from "./grid-edits.ts";
import { orUnreachable, type SaveAction } from "./preview-types.ts";

export function ChangeBar({
  ref,
  drafts,
  rows,
  save,
  words,
  onSaved,
  onDiscard,
}: {
  ref: Ref<HTMLElement>;
  drafts: Drafts;
  rows: readonly GridRow[];
  save: SaveAction;
  /** What a paste left out. */
  words: string;
  onSaved: (change: (now: Drafts) => Drafts) => void;
  onDiscard: () => void;
}) {
  const [state, setState] = useState<FormState>(IDLE);
  const [isSaving, start] = useTransition();
  const count = draftCount(drafts);
  useLeaveQuestion(count);
  const onSave = () =>
    start(async () => {
      const answer = await orUnreachable(save(wishesOf(drafts, rows)));
      start(() => {
        setState(answer);
        if (answer.status === "done") onSaved((now) => withoutSaved(now, drafts));
      });
    });
  const changes = count === 1 ? "1 change" : `${count} changes`;
  return (
    <section
      ref={ref}
      tabIndex={-1}
      aria-label="Changes"
      className="sticky bottom-0 z-30 rounded-b-lg border-t border-line bg-surface px-4 py-2 outline-none focus-visible:outline-2 focus-visible:-outline-offset-2"
    >
      <div className="flex min-h-8 flex-wrap items-center gap-x-3 gap-y-2">
        {count === 0 ? (
          <p className="text-xs text-ink-3">
            Enter, Tab and arrows move; Escape undoes a cell. A block copied from a spreadsheet can be pasted
            into a cell.
          </p>
        ) : (
          <>
            <p className="text-sm font-medium">{changes}</p>
            <Button variant="primary" disabled={isSaving} aria-busy={isSaving} onClick={onSave}>
              {isSaving ? <LoaderCircle aria-hidden size={14} className="animate-spin" /> : null}
              Save
            </Button>
            <Button
              variant="quiet"
              disabled={isSaving}
              onClick={() => {
                setState(IDLE);
                onDiscard();
              }}
            >
              Discard
            </Button>
          </>
        )}
        <p role="status" className="text-sm text-ink-2">
          {words !== "" ? words : count === 0 && state.status === "done" ? state.message : ""}
        </p>
      </div>
      {state.status === "failed" && count > 0 ? (
        <div ref={bringIntoSight} className="mt-2">
          <Notice tone="bad" title={state.message} hint={state.hint} />
        </div>
      ) : null}
    </section>
  );
}

function bringIntoSight(element: HTMLElement | null): void {
  element?.scrollIntoView({ block: "nearest" });
}

/** For the browser's own ways to leave, and for links of ours, which leave without the browser noticing. */
function useLeaveQuestion(count: number): void {
  useEffect(() => {
    if (count === 0) return;
    const onUnload = (event: BeforeUnloadEvent) => event.preventDefault();
    const onClick = (event: MouseEvent) => {
      const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
      if (link === null || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
      if (link.hasAttribute("download")) return;
      const question =
        count === 1 ? "One change is not saved. Leave it?" : `${count} changes are not saved. Leave them?`;
      if (window.confirm(question)) return;
      event.preventDefault();
      event.stopPropagation();
    };
    window.addEventListener("beforeunload", onUnload);
    document.addEventListener("click", onClick, true);
    return () => {
      window.removeEventListener("beforeunload", onUnload);
      document.removeEventListener("click", onClick, true);
    };
  }, [count]);
}
