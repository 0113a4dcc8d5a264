// How much of the network the server may take for sending pages, by time of day: the rules there are, and one more.
import { type BandwidthRules, ruleInWords } from "#lib/model/bandwidth.ts";
import { ActionForm, SubmitButton } from "../ui/action-form.tsx";
import { SelectField, TextField } from "../ui/field.tsx";
import type { FormAction } from "../ui/form-state.ts";

export function BandwidthCard({
  bandwidth: { rules, timeZone },
  add,
  remove,
}: {
  bandwidth: BandwidthRules;
  add: FormAction;
  remove: FormAction;
}) {
  return (
    <>
      <p className="mb-3 text-sm text-ink-2">
        How fast the server may send pages to PCs, all jobs together. A change holds within seconds, also for
        what is running. Outside these times there is no limit.
      </p>
      {rules.length === 0 ? null : (
        <ul className="mb-4 divide-y divide-line border-y border-line text-sm">
          {rules.map((rule, index) => (
            <li key={JSON.stringify(rule)} className="flex flex-wrap items-center gap-x-4 py-1.5">
              <span className="flex-1">{ruleInWords(rule)}</span>
              <span className="tabular-nums">{rule.mbit} Mbit/s</span>
              <ActionForm action={remove} fields={{ index: String(index) }}>
                <SubmitButton variant="quiet">Remove</SubmitButton>
              </ActionForm>
            </li>
          ))}
        </ul>
      )}
      <ActionForm action={add}>
        <div className="flex flex-wrap items-end gap-2">
          <SelectField className="flex-1 basis-32" label="Days" name="days" defaultValue="1,2,3,4,5">
            <option value="1,2,3,4,5">Mon–Fri</option>
            <option value="0,1,2,3,4,5,6">Every day</option>
            <option value="0,6">Sat and Sun</option>
          </SelectField>
          <TextField className="w-32" label="From" name="from" type="time" required defaultValue="07:30" />
          <TextField className="w-32" label="Until" name="until" type="time" required defaultValue="18:00" />
          <TextField
            className="w-28"
            label="Mbit/s at most"
            name="mbit"
            type="number"
            min={1}
            max={1_000_000}
            required
          />
          <TextField
            className="flex-1 basis-32"
            label="Time zone of all rules"
            name="timeZone"
            required
            maxLength={64}
            defaultValue={timeZone}
          />
          <SubmitButton variant="secondary">Add rule</SubmitButton>
        </div>
      </ActionForm>
    </>
  );
}
