"use client";

// One form for a new schedule and for a change: what, whom, when, how carefully, and what becomes of it when something comes in between.
import { useState } from "react";
import {
  SCHEDULE_KINDS,
  type Schedule,
  type ScheduleKind,
  type ScheduleTargetKind,
  TARGETS_OF_KIND,
  WHEN_CLOSED,
  WHEN_MISSED,
  WHEN_OVER,
} from "#lib/model/schedule.ts";
import { ActionForm, SubmitButton } from "../ui/action-form.tsx";
import { SelectField, TextField } from "../ui/field.tsx";
import type { FormAction } from "../ui/form-state.ts";
import { useInBrowser } from "../use-in-browser.ts";
import { CheckField, Fields, Fieldset, type FormChoices } from "./form-parts.tsx";
import { ParameterFields } from "./parameter-fields.tsx";
import { rhythmOf, WEEKDAYS } from "./rhythm.ts";
import {
  SCHEDULE_KIND_WORDS,
  WHEN_CLOSED_WORDS,
  WHEN_MISSED_WORDS,
  WHEN_OVER_WORDS,
} from "./schedule-words.ts";

const TARGET_WORDS: Readonly<Record<ScheduleTargetKind, string>> = {
  classroom: "A classroom",
  nodes: "Chosen PCs",
  repository: "The store",
};

export function ScheduleForm({
  action,
  choices,
  schedule = null,
}: {
  action: FormAction;
  choices: FormChoices;
  /** Null: a new one. */
  schedule?: Schedule | null;
}) {
  const [kind, setKind] = useState<ScheduleKind>(schedule?.kind ?? "snapshot");
  return (
    <ActionForm
      action={action}
      keepFields
      className="space-y-5"
      fields={schedule === null ? {} : { scheduleId: schedule.id, enabled: schedule.enabled ? "yes" : "no" }}
    >
      <Fieldset legend="What">
        <TextField
          label="Name"
          name="name"
          required
          maxLength={64}
          defaultValue={schedule?.name ?? ""}
          placeholder="LAB-A every night"
          autoComplete="off"
        />
        <SelectField
          label="Does"
          name="kind"
          value={kind}
          onChange={(event) => setKind(SCHEDULE_KINDS.find((each) => each === event.target.value) ?? kind)}
        >
          {SCHEDULE_KINDS.map((each) => (
            <option key={each} value={each}>
              {SCHEDULE_KIND_WORDS[each]}
            </option>
          ))}
        </SelectField>
        <TargetFields key={kind} kind={kind} choices={choices} schedule={schedule} />
      </Fieldset>
      <ParameterFields kind={kind} choices={choices} parameters={schedule?.parameters ?? {}} />
      <WhenFields choices={choices} schedule={schedule} />
      {TARGETS_OF_KIND[kind].includes("repository") ? null : <WaveFields schedule={schedule} />}
      <RuleFields schedule={schedule} />
      <SubmitButton>{schedule === null ? "Make schedule" : "Save"}</SubmitButton>
    </ActionForm>
  );
}

function TargetFields({
  kind,
  choices,
  schedule,
}: {
  kind: ScheduleKind;
  choices: FormChoices;
  schedule: Schedule | null;
}) {
  const offered = TARGETS_OF_KIND[kind];
  const before = schedule?.target ?? null;
  const first = offered.find((each) => each === before?.kind) ?? offered[0] ?? "repository";
  const [target, setTarget] = useState<ScheduleTargetKind>(first);
  const chosen = before?.kind === "nodes" ? before.nodeIds : [];
  return (
    <>
      <SelectField
        label="On"
        name="target"
        value={target}
        onChange={(event) => setTarget(offered.find((each) => each === event.target.value) ?? target)}
      >
        {offered.map((each) => (
          <option key={each} value={each}>
            {TARGET_WORDS[each]}
          </option>
        ))}
      </SelectField>
      {target === "classroom" ? (
        <SelectField
          label="Classroom"
          name="groupId"
          required
          defaultValue={before?.kind === "classroom" ? before.groupId : undefined}
        >
          {choices.groups.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </SelectField>
      ) : null}
      {target === "nodes" ? (
        <fieldset className="col-span-full">
          <legend className="mb-1 text-xs font-medium text-ink-2">PCs</legend>
          <div className="flex max-h-48 flex-wrap gap-x-4 gap-y-1 overflow-y-auto rounded-md border border-line p-2">
            {choices.nodes.map(({ id, name }) => (
              <CheckField
                key={id}
                label={name}
                name="nodeIds"
                value={id}
                defaultChecked={chosen.includes(id)}
              />
            ))}
          </div>
        </fieldset>
      ) : null}
    </>
  );
}

function WhenFields({ choices, schedule }: { choices: FormChoices; schedule: Schedule | null }) {
  const plain = schedule === null ? null : rhythmOf(schedule.cron);
  const [when, setWhen] = useState<string>(schedule === null ? "daily" : (plain?.when ?? "own"));
  const inBrowser = useInBrowser();
  // An installation that has chosen no zone anywhere is best guessed by whoever sits there.
  const guess = inBrowser && choices.timeZone === "UTC" ? new Intl.DateTimeFormat().resolvedOptions() : null;
  const timeZone = schedule?.timeZone ?? guess?.timeZone ?? choices.timeZone;
  return (
    <Fieldset legend="When">
      <SelectField label="Repeats" name="when" value={when} onChange={(event) => setWhen(event.target.value)}>
        <option value="daily">Every day</option>
        <option value="workdays">Monday to Friday</option>
        <option value="weekly">Once a week</option>
        <option value="own">By a cron expression</option>
      </SelectField>
      {when === "weekly" ? (
        <SelectField label="Day" name="weekday" defaultValue={String(plain?.weekday ?? 6)}>
          {WEEKDAYS.map((name, day) => (
            <option key={name} value={day}>
              {name}
            </option>
          ))}
        </SelectField>
      ) : null}
      {when === "own" ? (
        <TextField
          label="Cron expression"
          name="cron"
          required
          maxLength={100}
          defaultValue={schedule?.cron ?? "0 2 * * 1-5"}
          hint="Minute, hour, day of month, month, day of week."
          autoComplete="off"
        />
      ) : (
        <TextField label="At" name="time" type="time" required defaultValue={plain?.time ?? "02:00"} />
      )}
      <TextField
        key={timeZone}
        label="Time zone"
        name="timeZone"
        required
        maxLength={64}
        defaultValue={timeZone}
      />
    </Fieldset>
  );
}

function WaveFields({ schedule }: { schedule: Schedule | null }) {
  const waves = schedule?.waves ?? { canaryCount: 1, waveSize: 0, failPercentMax: 20 };
  const number = { type: "number", min: 0, max: 1000, required: true } as const;
  return (
    <Fieldset legend="How many at a time">
      <TextField
        {...number}
        label="Canaries"
        name="canaryCount"
        defaultValue={waves.canaryCount}
        hint="So many PCs go ahead alone. 0: none."
      />
      <TextField
        {...number}
        label="Then in waves of"
        name="waveSize"
        defaultValue={waves.waveSize}
        hint="0: all the others at once."
      />
      <TextField
        {...number}
        max={100}
        label="Stop when more fail than (%)"
        name="failPercentMax"
        defaultValue={waves.failPercentMax}
        hint="Of a wave’s PCs that were tried."
      />
    </Fieldset>
  );
}

function RuleFields({ schedule }: { schedule: Schedule | null }) {
  return (
    <Fieldset legend="If something comes in between">
      <Fields>
        <SelectField
          label="Outside a maintenance window"
          name="whenClosed"
          defaultValue={schedule?.whenClosed}
        >
          {WHEN_CLOSED.map((rule) => (
            <option key={rule} value={rule}>
              {WHEN_CLOSED_WORDS[rule]}
            </option>
          ))}
        </SelectField>
        <SelectField
          label="At the window’s end"
          name="whenOver"
          defaultValue={schedule?.whenOver ?? "stop-starting"}
        >
          {WHEN_OVER.map((rule) => (
            <option key={rule} value={rule}>
              {WHEN_OVER_WORDS[rule]}
            </option>
          ))}
        </SelectField>
        <SelectField label="Server was down" name="whenMissed" defaultValue={schedule?.whenMissed}>
          {WHEN_MISSED.map((rule) => (
            <option key={rule} value={rule}>
              {WHEN_MISSED_WORDS[rule]}
            </option>
          ))}
        </SelectField>
        <TextField
          label="Alarm when later than forecast by (min)"
          name="graceMinutes"
          type="number"
          min={1}
          max={10_080}
          required
          defaultValue={schedule?.graceMinutes ?? 60}
        />
      </Fields>
    </Fieldset>
  );
}
