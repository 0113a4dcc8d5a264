"use client";

// The last step before disks are written. Friction by blast radius: one PC is one click, a classroom's name is typed.
import Link from "next/link";
import { useState } from "react";
import { ActionForm, SubmitButton } from "./ui/action-form.tsx";
import { buttonClass } from "./ui/button.tsx";
import { TextField } from "./ui/field.tsx";
import type { FormAction } from "./ui/form-state.ts";

export function ApplyPlanForm({
  action,
  planId,
  planHash,
  confirmName,
  label,
  cancelHref,
}: {
  action: FormAction;
  planId: string;
  planHash: string;
  /** The name to type, or null when none is asked for. */
  confirmName: string | null;
  /** The verb and what it is done to. */
  label: string;
  cancelHref: string;
}) {
  const [typed, setTyped] = useState("");
  const confirmed = confirmName === null || typed === confirmName;
  return (
    <ActionForm action={action} fields={{ planId, planHash }}>
      <p className="mb-4 max-w-2xl text-sm text-ink-2">
        Each PC compares its partitions with the snapshot and writes only what differs, then reads it back.
        What changed since the PC’s newest snapshot is lost; earlier and later snapshots stay.
      </p>
      {confirmName === null ? null : (
        <TextField
          className="mb-4 max-w-sm"
          label={`Type ${confirmName} to confirm`}
          name="confirmName"
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          autoComplete="off"
          spellCheck={false}
          required
        />
      )}
      <div className="flex flex-wrap gap-2">
        <SubmitButton variant="danger" disabled={!confirmed} className="max-w-full">
          <span className="truncate">{label}</span>
        </SubmitButton>
        <Link href={cancelHref} className={buttonClass("secondary")}>
          Cancel
        </Link>
      </div>
    </ActionForm>
  );
}
