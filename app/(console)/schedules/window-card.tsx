// When scheduled work may begin: the windows there are, and one more.
import { ActionForm, SubmitButton } from "#components/ui/action-form.tsx";
import { Card } from "#components/ui/card.tsx";
import { SelectField, TextField } from "#components/ui/field.tsx";
import { ruleInWords } from "#lib/model/bandwidth.ts";
import type { SchedulesView } from "#lib/queries/schedules.ts";
import { addWindowAction, removeWindowAction } from "../../actions/schedules.ts";

export function WindowCard({ view, mayChange }: { view: SchedulesView; mayChange: boolean }) {
  return (
    <Card title="Maintenance windows">
      <p className="mb-3 text-sm text-ink-2">
        Scheduled work begins only inside them; without any, at any time. A classroom’s own windows take the
        place of those for all. What people start by hand is not held up.
      </p>
      {view.windows.length === 0 ? null : (
        <ul className="mb-4 divide-y divide-line border-y border-line text-sm">
          {view.windows.map((window) => (
            <li key={window.id} className="flex flex-wrap items-center gap-x-4 py-1.5">
              <span className="flex-1">
                {ruleInWords(window)}{" "}
                <span className="text-xs text-ink-3">
                  {window.timeZone} · {window.groupName ?? "all"}
                </span>
              </span>
              {mayChange ? (
                <ActionForm action={removeWindowAction} fields={{ windowId: window.id }}>
                  <SubmitButton variant="quiet">
                    Remove<span className="sr-only"> {ruleInWords(window)}</span>
                  </SubmitButton>
                </ActionForm>
              ) : null}
            </li>
          ))}
        </ul>
      )}
      {mayChange ? (
        <ActionForm action={addWindowAction}>
          <div className="flex flex-wrap items-end gap-2">
            <PlaceField view={view} none="All" />
            <SelectField className="flex-1 basis-32" label="Days" name="days" defaultValue="0,1,2,3,4,5,6">
              <option value="0,1,2,3,4,5,6">Every day</option>
              <option value="1,2,3,4,5">Mon–Fri</option>
              <option value="0,6">Sat and Sun</option>
              <option value="6">Saturday</option>
              <option value="0">Sunday</option>
            </SelectField>
            <TextField className="w-28" label="From" name="from" type="time" required defaultValue="22:00" />
            <TextField
              className="w-28"
              label="Until"
              name="until"
              type="time"
              required
              defaultValue="06:00"
            />
            <TextField
              className="flex-1 basis-32"
              label="Time zone"
              name="timeZone"
              required
              maxLength={64}
              defaultValue={view.timeZone}
            />
            <SubmitButton variant="secondary">Add window</SubmitButton>
          </div>
        </ActionForm>
      ) : null}
    </Card>
  );
}

export function PlaceField({ view, none }: { view: SchedulesView; none: string }) {
  return (
    <SelectField className="flex-1 basis-32" label="Classroom" name="groupId">
      <option value="">{none}</option>
      {view.groups.map(({ id, name }) => (
        <option key={id} value={id}>
          {name}
        </option>
      ))}
    </SelectField>
  );
}
