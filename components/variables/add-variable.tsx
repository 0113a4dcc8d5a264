// "Add variable": a name, with those offered that have a meaning of their own.
import { Plus } from "lucide-react";
import { ActionForm, SubmitButton } from "../ui/action-form.tsx";
import type { ButtonVariant } from "../ui/button.tsx";
import { DialogButton } from "../ui/dialog.tsx";
import { TextField } from "../ui/field.tsx";
import type { FormAction } from "../ui/form-state.ts";
import { Tick } from "./tick.tsx";

export interface SuggestedName {
  readonly name: string;
  readonly note: string;
}

export function AddVariable({
  action,
  suggested,
  variant = "secondary",
}: {
  action: FormAction;
  /** Well-known ones that are not there yet. */
  suggested: readonly SuggestedName[];
  variant?: ButtonVariant;
}) {
  return (
    <DialogButton
      label="Add variable"
      icon={<Plus aria-hidden size={14} />}
      variant={variant}
      title="Add a variable"
    >
      <ActionForm action={action} className="space-y-4 text-left">
        <TextField
          label="Name"
          name="name"
          required
          maxLength={63}
          pattern="[a-z][a-z0-9_]*"
          list="variable-names"
          placeholder={suggested[0]?.name ?? "printer"}
          hint="Lower-case letters, digits and underscores."
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
        />
        <datalist id="variable-names">
          {suggested.map(({ name, note }) => (
            <option key={name} value={name} label={note} />
          ))}
        </datalist>
        <TextField label="Note (optional)" name="note" maxLength={200} autoComplete="off" />
        <Tick
          name="isUnique"
          label="No two PCs may have the same value"
          hint="Always so at first for host_name and ip_address."
        />
        <Tick
          name="isSecret"
          label="A secret, such as a licence key"
          hint="Values are kept sealed and shown to nobody, not even to you."
        />
        <SubmitButton>Add variable</SubmitButton>
        {suggested.length === 0 ? null : (
          <div className="border-t border-line pt-3 text-xs text-ink-2">
            <p className="mb-1">Names that PCs understand by themselves:</p>
            <ul className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-3 gap-y-0.5">
              {suggested.map(({ name, note }) => (
                <li key={name} className="contents">
                  <code className="font-mono text-ink">{name}</code>
                  <span>{note}</span>
                </li>
              ))}
            </ul>
          </div>
        )}
      </ActionForm>
    </DialogButton>
  );
}
