// "Localize…": PCs become copies of a release, each with an identity of its own. Nothing is written yet: the answer is a plan to read.
import { BadgeCheck } from "lucide-react";
import { type CloneTargets, TargetFields } from "./target-fields.tsx";
import { ActionForm, SubmitButton } from "./ui/action-form.tsx";
import { DialogButton } from "./ui/dialog.tsx";
import type { FormAction } from "./ui/form-state.ts";

export function LocalizeButton({
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
      label="Localize…"
      icon={<BadgeCheck aria-hidden size={14} />}
      variant="primary"
      title="Make PCs of this release"
    >
      <ActionForm action={action} fields={{ kind: "localize", snapshotId }} className="space-y-4">
        <p className="text-sm text-ink-2">
          Each PC becomes a copy of this release and gets what its variables say. What is on its partitions
          now is overwritten where it differs. A plan shows what would happen before anything is written.
        </p>
        <TargetFields targets={targets} />
        <label className="flex items-start gap-2 text-sm">
          <input type="checkbox" name="baseline" value="yes" defaultChecked className="mt-0.5" />
          <span>
            Snapshot each PC afterwards
            <span className="block text-xs text-ink-3">
              Its baseline: rolling the classroom back then brings each PC back with its own identity.
            </span>
          </span>
        </label>
        <SubmitButton>Show the plan</SubmitButton>
      </ActionForm>
    </DialogButton>
  );
}
