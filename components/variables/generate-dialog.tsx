"use client";

// "Generate…": one variable of a whole classroom by a pattern, from a range of addresses or from a pool; shown before it is done.
import { ListOrdered } from "lucide-react";
import { type FormEvent, useState } from "react";
import type { GeneratePreview, GridColumn, GridRow } from "#lib/model/variable-grid.ts";
import { Button } from "../ui/button.tsx";
import { classNames } from "../ui/class-names.ts";
import { DialogButton } from "../ui/dialog.tsx";
import { INPUT_CLASS, SelectField, TextField } from "../ui/field.tsx";
import { Preview } from "./preview.tsx";
import type { PreviewAction } from "./preview-types.ts";
import { Tick } from "./tick.tsx";
import { useDryRun } from "./use-dry-run.ts";

interface Props {
  readonly action: PreviewAction<GeneratePreview>;
  readonly columns: readonly GridColumn[];
  readonly roomName: string;
  readonly nodes: readonly GridRow[];
}

export function GenerateDialog(props: Props) {
  return (
    <DialogButton
      label="Generate…"
      icon={<ListOrdered aria-hidden size={14} />}
      title="Generate values"
      disabled={props.columns.length === 0 || props.nodes.length === 0}
    >
      <GenerateForm {...props} />
    </DialogButton>
  );
}

const KINDS = [
  ["pattern", "By a pattern"],
  ["range", "Addresses"],
  ["pool", "From a list"],
] as const;
type Kind = (typeof KINDS)[number][0];

function GenerateForm({ action, columns, roomName, nodes }: Props) {
  const run = useDryRun(action);
  const [kind, setKind] = useState<Kind>("pattern");
  const [choosesSome, setChoosesSome] = useState(false);
  const onSubmit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? "");
    run.show({
      name: text("name"),
      nodeIds: choosesSome ? form.getAll("nodeId").map(String) : nodes.map(({ scopeId }) => scopeId),
      how: howOf(kind, text),
      replace: form.get("replace") === "yes",
    });
  };
  return (
    <div className="space-y-4">
      <form onSubmit={onSubmit} onChange={run.forget} className="space-y-4">
        <SelectField label="Variable" name="name">
          {columns.map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </SelectField>
        <fieldset>
          <legend className="mb-1 text-xs font-medium text-ink-2">How</legend>
          <div className="flex flex-wrap gap-x-5 gap-y-1">
            {KINDS.map(([value, label]) => (
              <label key={value} className="flex items-center gap-2 text-sm">
                <input type="radio" name="kind" checked={kind === value} onChange={() => setKind(value)} />
                {label}
              </label>
            ))}
          </div>
        </fieldset>
        <KindField kind={kind} />
        <fieldset className="space-y-2">
          <legend className="mb-1 text-xs font-medium text-ink-2">PCs</legend>
          <label className="flex items-center gap-2 text-sm">
            <input type="radio" name="which" checked={!choosesSome} onChange={() => setChoosesSome(false)} />
            All {nodes.length} of {roomName}
          </label>
          <label className="flex items-center gap-2 text-sm">
            <input type="radio" name="which" checked={choosesSome} onChange={() => setChoosesSome(true)} />
            Some of them
          </label>
          {choosesSome ? <NodeTicks nodes={nodes} /> : null}
        </fieldset>
        <Tick
          name="replace"
          label="Also PCs that have a value of their own"
          hint="Otherwise only those without one get one."
        />
        <Button type="submit" disabled={run.isBusy} aria-busy={run.isBusy} variant="secondary">
          Show what would change
        </Button>
      </form>
      <Preview run={run}>
        {({ pool, keptCount, isApplied }) => (
          <>
            {pool === null ? null : (
              <p className="text-sm">
                {pool.left} of {pool.size} left in the list{isApplied ? "" : " afterwards"}.
              </p>
            )}
            {keptCount === 0 ? null : (
              <p className="text-sm text-ink-2">
                {keptCount === 1 ? "1 PC keeps its value." : `${keptCount} PCs keep their values.`}
              </p>
            )}
          </>
        )}
      </Preview>
    </div>
  );
}

function howOf(kind: Kind, text: (name: string) => string): object {
  if (kind === "pattern") return { kind, pattern: text("pattern") };
  if (kind === "range") return { kind, range: text("range") };
  return { kind, pool: text("pool").split(/\r?\n/) };
}

function KindField({ kind }: { kind: Kind }) {
  if (kind === "pattern") {
    return (
      <TextField
        label="Pattern"
        name="pattern"
        required
        maxLength={500}
        placeholder="LAB-A-{seat:02}"
        hint="{seat} is the PC’s place, {index} counts them 1, 2, 3, {node} is its name here; {seat:02} gives two digits."
        autoComplete="off"
        spellCheck={false}
      />
    );
  }
  if (kind === "range") {
    return (
      <TextField
        label="From and to"
        name="range"
        required
        maxLength={64}
        placeholder="10.1.0.10-10.1.0.60/24"
        hint="With the length of the network behind it for ip_address. Addresses that any PC has are left out."
        autoComplete="off"
        spellCheck={false}
      />
    );
  }
  return (
    <label className="block">
      <span className="mb-1 block text-xs font-medium text-ink-2">Values, one a line</span>
      <textarea
        name="pool"
        required
        rows={6}
        spellCheck={false}
        className={classNames(INPUT_CLASS, "h-auto py-1.5 font-mono")}
      />
      <span className="mt-1 block text-xs text-ink-3">
        Each is given once, in their order; what any PC has already is not given again.
      </span>
    </label>
  );
}

function NodeTicks({ nodes }: { nodes: readonly GridRow[] }) {
  return (
    <div className="max-h-44 overflow-y-auto rounded-md border border-line-strong px-3 py-2">
      <div className="grid grid-cols-2 gap-x-4 sm:grid-cols-3">
        {nodes.map(({ scopeId, name }) => (
          <label key={scopeId} className="flex min-w-0 items-center gap-2 py-0.5 text-sm">
            <input type="checkbox" name="nodeId" value={scopeId} />
            <span className="min-w-0 break-words">{name}</span>
          </label>
        ))}
      </div>
    </div>
  );
}
