// "Clone to…": a whole classroom, or PCs ticked one by one. Nothing is written yet: the answer is a plan to read.
import { Copy } from "lucide-react";
import { type CloneTargets, TargetFields } from "./target-fields.tsx";
import { ActionForm, SubmitButton } from "./ui/action-form.tsx";
import { DialogButton } from "./ui/dialog.tsx";
import type { FormAction } from "./ui/form-state.ts";

export function CloneButton({
  action,
  snapshotId,
  targets,
}: {
  action: FormAction;
  snapshotId: string;
  targets: CloneTargets;
}) {
  return (
    <DialogButton
      label="Clone to…"
      icon={<Copy aria-hidden size={14} />}
      title="Clone this snapshot to other PCs"
    >
      <ActionForm action={action} fields={{ kind: "clone", snapshotId }} className="space-y-4">
        <p className="text-sm text-ink-2">
          Each PC becomes a copy: what is on its partitions now is overwritten where it differs. A plan shows
          what would happen before anything is written.
        </p>
        <TargetFields targets={targets} />
        <SubmitButton>Show the plan</SubmitButton>
      </ActionForm>
    </DialogButton>
  );
}
