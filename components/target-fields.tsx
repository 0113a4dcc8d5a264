// The fields of a form that says which PCs become copies: a whole classroom, or PCs ticked one by one.
import { SelectField } from "./ui/field.tsx";

export interface CloneTargets {
  /** With their PCs; the one without an id holds those of no classroom. */
  readonly rooms: readonly {
    readonly id: string | null;
    readonly name: string;
    readonly nodes: readonly { readonly id: string; readonly name: string }[];
  }[];
}

export function TargetFields({ targets: { rooms } }: { targets: CloneTargets }) {
  return (
    <>
      <SelectField label="Classroom" name="groupId" defaultValue="">
        <option value="">None: only the PCs ticked below</option>
        {rooms.map(({ id, name, nodes }) =>
          id === null ? null : (
            <option key={id} value={id}>
              {name}: all {nodes.length} PCs
            </option>
          ),
        )}
      </SelectField>
      <fieldset>
        <legend className="mb-1 text-xs font-medium text-ink-2">Or single PCs</legend>
        <div className="max-h-56 overflow-y-auto rounded-md border border-line-strong px-3 py-2">
          {rooms.map(({ id, name, nodes }) => (
            <div key={id ?? "none"} className="mb-2 last:mb-0">
              <p className="text-xs text-ink-3">{name}</p>
              <div className="grid grid-cols-2 gap-x-4 sm:grid-cols-3">
                {nodes.map((node) => (
                  <label key={node.id} className="flex min-w-0 items-center gap-2 py-0.5 text-sm">
                    <input type="checkbox" name="nodeId" value={node.id} />
                    <span className="min-w-0 break-words">{node.name}</span>
                  </label>
                ))}
              </div>
            </div>
          ))}
        </div>
      </fieldset>
      <label className="flex items-start gap-2 text-sm">
        <input type="checkbox" name="replaceLayouts" value="yes" className="mt-0.5" />
        <span>
          Replace other partition tables
          <span className="block text-xs text-ink-3">
            A PC whose disk is as large but partitioned otherwise gets the snapshot’s partitions. Without this
            it is left out.
          </span>
        </span>
      </label>
    </>
  );
}
