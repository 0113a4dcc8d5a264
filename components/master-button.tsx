// "Mark as master…": a name, and the line that says what is new. Names there are already are offered.
import { Stamp } from "lucide-react";
import { ActionForm, SubmitButton } from "./ui/action-form.tsx";
import { DialogButton } from "./ui/dialog.tsx";
import { TextField } from "./ui/field.tsx";
import type { FormAction } from "./ui/form-state.ts";

export function MasterButton({
  action,
  snapshotId,
  names,
}: {
  action: FormAction;
  snapshotId: string;
  names: readonly string[];
}) {
  return (
    <DialogButton label="Mark as master…" icon={<Stamp aria-hidden size={14} />} title="Mark as master">
      <ActionForm action={action} fields={{ snapshotId }} className="space-y-4">
        <p className="text-sm text-ink-2">
          The snapshot becomes the next release of this master and is pinned: classrooms can be made of it
          until it is withdrawn.
        </p>
        <TextField
          label="Master"
          name="masterName"
          required
          maxLength={64}
          list="master-names"
          defaultValue={names[0] ?? ""}
          placeholder="Lab image"
          autoComplete="off"
        />
        <datalist id="master-names">
          {names.map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
        <TextField
          label="What is new in it"
          name="note"
          required
          maxLength={500}
          placeholder="LibreOffice 26.2, printer drivers"
          autoComplete="off"
        />
        <SubmitButton>Release it</SubmitButton>
      </ActionForm>
    </DialogButton>
  );
}
