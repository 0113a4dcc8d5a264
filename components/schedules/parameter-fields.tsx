// What a schedule says beyond its kind: the same choices that the kind's own button offers.
import type { ScheduleKind } from "#lib/model/schedule.ts";
import { TECHNIQUES } from "#lib/model/snapshot.ts";
import { SelectField, TextField } from "../ui/field.tsx";
import { CheckField, Fieldset, type FormChoices } from "./form-parts.tsx";

type Parameters = Readonly<Record<string, unknown>>;

export function ParameterFields({
  kind,
  choices,
  parameters,
}: {
  kind: ScheduleKind;
  choices: FormChoices;
  parameters: Parameters;
}) {
  if (kind === "prune") {
    return (
      <p className="text-sm text-ink-2">
        Lets go of what the rules under Storage, What is kept, do not keep. Only administrators may; space is
        freed by “Free what nothing needs”.
      </p>
    );
  }
  return <Fieldset legend="How">{fieldsOf(kind, choices, parameters)}</Fieldset>;
}

function fieldsOf(kind: ScheduleKind, choices: FormChoices, parameters: Parameters) {
  switch (kind) {
    case "snapshot":
      return <SnapshotFields parameters={parameters} />;
    case "roll-back":
      return <RollBackFields parameters={parameters} />;
    case "clone":
    case "localize":
      return <MasterFields kind={kind} choices={choices} parameters={parameters} />;
    case "evaluate":
      return <EvaluateFields choices={choices} parameters={parameters} />;
    default:
      return <UpkeepFields kind={kind} parameters={parameters} />;
  }
}

function SnapshotFields({ parameters }: { parameters: Parameters }) {
  return (
    <>
      <TextField
        label="Comment"
        name="comment"
        maxLength={500}
        defaultValue={textOf(parameters.comment)}
        autoComplete="off"
      />
      <SelectField label="Technique" name="technique" defaultValue={textOf(parameters.technique)}>
        <option value="">As chosen under Storage</option>
        {TECHNIQUES.map((technique) => (
          <option key={technique} value={technique}>
            {technique}
          </option>
        ))}
      </SelectField>
    </>
  );
}

function RollBackFields({ parameters }: { parameters: Parameters }) {
  return (
    <>
      <TextField
        className="sm:col-span-2"
        label="To the moment (UTC)"
        name="moment"
        type="datetime-local"
        defaultValue={textOf(parameters.moment).slice(0, 16)}
        hint="Empty: to each PC’s newest snapshot, which undoes what has changed since."
      />
      <div className="flex flex-col justify-center sm:col-span-2">
        <CheckField
          label="Take a snapshot first: it can be undone, and takes longer"
          name="safety"
          value="yes"
          defaultChecked={parameters.safety === true}
        />
      </div>
    </>
  );
}

function MasterFields({
  kind,
  choices,
  parameters,
}: {
  kind: "clone" | "localize";
  choices: FormChoices;
  parameters: Parameters;
}) {
  return (
    <>
      <SelectField label="Master" name="snapshotId" required defaultValue={textOf(parameters.snapshotId)}>
        {choices.releases.map(({ snapshotId, label }) => (
          <option key={snapshotId} value={snapshotId}>
            {label}
          </option>
        ))}
      </SelectField>
      <div className="flex flex-col justify-end gap-1.5 sm:col-span-2">
        <CheckField
          label="Replace other partition tables"
          name="replaceLayouts"
          value="yes"
          defaultChecked={parameters.replaceLayouts === true}
        />
        {kind === "localize" ? (
          <CheckField
            label="A snapshot of each PC follows"
            name="baseline"
            value="yes"
            defaultChecked={parameters.baseline !== false}
          />
        ) : null}
      </div>
    </>
  );
}

function EvaluateFields({ choices, parameters }: { choices: FormChoices; parameters: Parameters }) {
  return (
    <>
      <SelectField label="Snapshots of" name="nodeId" required defaultValue={textOf(parameters.nodeId)}>
        {choices.nodes.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </SelectField>
      <TextField
        label="The newest"
        name="snapshotCount"
        type="number"
        min={1}
        max={64}
        required
        defaultValue={typeof parameters.snapshotCount === "number" ? parameters.snapshotCount : 8}
      />
    </>
  );
}

function UpkeepFields({ kind, parameters }: { kind: ScheduleKind; parameters: Parameters }) {
  const seconds = parameters.secondsMax;
  return (
    <>
      <TextField
        label="Minutes at most"
        name="minutesMax"
        type="number"
        min={1}
        max={10_080}
        defaultValue={typeof seconds === "number" ? Math.round(seconds / 60) : ""}
        hint="Empty: until it is done. The next run goes on where this one ended."
      />
      {kind === "scrub" ? (
        <div className="flex flex-col justify-end">
          <CheckField
            label="Deep: also decode"
            name="deep"
            value="yes"
            defaultChecked={parameters.deep === true}
          />
        </div>
      ) : null}
    </>
  );
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
