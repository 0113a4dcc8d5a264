// The names at the top of the grid. Each opens what can be changed of it: its note, whether it is unique or a secret, and that it is
// there at all.
import { FingerprintPattern, KeyRound } from "lucide-react";
import type { GridColumn } from "#lib/model/variable-grid.ts";
import { ActionForm, SubmitButton } from "../ui/action-form.tsx";
import { DialogButton } from "../ui/dialog.tsx";
import { TextField } from "../ui/field.tsx";
import type { FormAction } from "../ui/form-state.ts";
import { Tick } from "./tick.tsx";

export interface ColumnActions {
  readonly change: FormAction;
  readonly remove: FormAction;
}

export function ColumnHeads({
  columns,
  actions,
}: {
  columns: readonly GridColumn[];
  actions: ColumnActions | null;
}) {
  return (
    <thead>
      <tr aria-rowindex={1}>
        <th
          scope="col"
          aria-colindex={1}
          className="sticky top-0 left-0 z-30 h-9 border-r border-b border-line bg-surface px-3 text-left text-xs font-medium text-ink-3"
        >
          PC
        </th>
        {columns.map((column, index) => (
          <th
            key={column.name}
            scope="col"
            aria-colindex={index + 2}
            title={column.note === "" ? undefined : column.note}
            className="sticky top-0 z-20 h-9 border-b border-line bg-surface p-0 text-left not-last:border-r"
          >
            {actions === null ? (
              <span className="flex items-center gap-1.5 px-2.5 font-medium text-ink-2">
                <Marks column={column} />
                {column.name}
              </span>
            ) : (
              <DialogButton
                label={column.name}
                icon={<Marks column={column} />}
                variant="quiet"
                title={column.name}
              >
                <ColumnDialog column={column} actions={actions} />
              </DialogButton>
            )}
          </th>
        ))}
        <th aria-hidden className="sticky top-0 z-20 w-full border-b border-line bg-surface" />
      </tr>
    </thead>
  );
}

function Marks({ column: { isSecret, isUnique } }: { column: GridColumn }) {
  return (
    <>
      {isUnique ? <FingerprintPattern aria-label="Unique:" size={13} className="shrink-0" /> : null}
      {isSecret ? <KeyRound aria-label="Secret:" size={13} className="shrink-0" /> : null}
    </>
  );
}

function ColumnDialog({ column, actions }: { column: GridColumn; actions: ColumnActions }) {
  const { name, note, isSecret, isUnique, valueCount } = column;
  const values = valueCount === 1 ? "its value" : `its ${valueCount} values`;
  return (
    <div className="space-y-5 font-normal">
      <ActionForm
        // React puts a form back to its defaults after it was sent: new facts, new defaults.
        key={JSON.stringify(column)}
        action={actions.change}
        fields={isSecret ? { name, isSecret: "yes" } : { name }}
        className="space-y-4"
      >
        <TextField label="Note" name="note" defaultValue={note} maxLength={200} autoComplete="off" />
        <Tick name="isUnique" defaultChecked={isUnique} label="No two PCs may have the same value" />
        {isSecret ? (
          <p className="text-sm text-ink-2">It is a secret: values are kept sealed and shown to nobody.</p>
        ) : (
          <Tick
            name="isSecret"
            label="Make it a secret"
            hint="Its values are sealed now and shown to nobody any more. This cannot be taken back."
          />
        )}
        <SubmitButton variant="secondary">Save</SubmitButton>
      </ActionForm>
      <ActionForm action={actions.remove} fields={{ name }} className="border-t border-line pt-4">
        <p className="mb-3 text-sm text-ink-2">
          {valueCount === 0 ? "It has no values." : `Removing it removes ${values}, too.`}
        </p>
        <SubmitButton variant="danger">Remove {name}</SubmitButton>
      </ActionForm>
    </div>
  );
}
