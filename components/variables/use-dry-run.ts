"use client";

// First shown, then done: asks an action what a wish would change, keeps that answer, and applies exactly it. A wish that is changed
// has to be shown anew.
import { useState, useTransition } from "react";
import type { ValuesPreview } from "#lib/model/variable-grid.ts";
import { type Failed, orUnreachable, type PreviewAction } from "./preview-types.ts";

interface Shown<Preview> {
  readonly status: "shown";
  readonly wish: object;
  readonly preview: Preview;
}

export interface DryRun<Preview> {
  readonly step: { readonly status: "idle" } | Failed | Shown<Preview>;
  readonly isBusy: boolean;
  /** Shows what the wish would do. */
  show(wish: object): void;
  /** Does what is shown. */
  apply(): void;
  /** The wish has changed: what is shown no longer holds. */
  forget(): void;
}

export function useDryRun<Preview extends ValuesPreview>(action: PreviewAction<Preview>): DryRun<Preview> {
  const [step, setStep] = useState<DryRun<Preview>["step"]>({ status: "idle" });
  const [isBusy, start] = useTransition();
  const ask = (wish: object, how: { readonly dryRun: boolean; readonly expected?: string }) =>
    start(async () => {
      const answer = await orUnreachable(action({ ...wish, ...how }));
      start(() => setStep(answer.status === "shown" ? { ...answer, wish } : answer));
    });
  return {
    step,
    isBusy,
    show: (wish) => ask(wish, { dryRun: true }),
    apply: () => {
      if (step.status === "shown") ask(step.wish, { dryRun: false, expected: step.preview.digest });
    },
    forget: () => setStep({ status: "idle" }),
  };
}
