// When no scheduled work may begin: single blackouts, and calendars of holidays or lessons, whose many events are one line.
import { ActionForm, SubmitButton } from "#components/ui/action-form.tsx";
import { Card } from "#components/ui/card.tsx";
import { INPUT_CLASS, TextField } from "#components/ui/field.tsx";
import { LocalTime } from "#components/ui/local-time.tsx";
import type { SchedulesView } from "#lib/queries/schedules.ts";
import {
  addBlackoutAction,
  importCalendarAction,
  removeBlackoutAction,
  removeCalendarAction,
} from "../../actions/schedules.ts";
import { PlaceField } from "./window-card.tsx";

export function BlackoutCard({ view, mayChange }: { view: SchedulesView; mayChange: boolean }) {
  const single = view.blackouts.filter(({ source }) => source === null);
  const calendars = Map.groupBy(
    view.blackouts.filter(({ source }) => source !== null),
    ({ source }) => source ?? "",
  );
  return (
    <Card title="Blackouts">
      <p className="mb-3 text-sm text-ink-2">
        Exams, lessons, holidays: nothing that is scheduled begins then, and no window is open.
      </p>
      {view.blackouts.length === 0 ? null : (
        <ul className="mb-4 divide-y divide-line border-y border-line text-sm">
          {single.map((blackout) => (
            <li key={blackout.id} className="flex flex-wrap items-center gap-x-4 py-1.5">
              <span className="min-w-0 flex-1 break-words">
                {blackout.reason}{" "}
                <span className="text-xs text-ink-3">
                  <LocalTime iso={blackout.from} /> – <LocalTime iso={blackout.to} /> ·{" "}
                  {blackout.groupName ?? "everywhere"}
                </span>
              </span>
              {mayChange ? (
                <ActionForm action={removeBlackoutAction} fields={{ blackoutId: blackout.id }}>
                  <SubmitButton variant="quiet">
                    Remove<span className="sr-only"> {blackout.reason}</span>
                  </SubmitButton>
                </ActionForm>
              ) : null}
            </li>
          ))}
          {[...calendars].map(([name, events]) => (
            <li key={name} className="flex flex-wrap items-center gap-x-4 py-1.5">
              <span className="min-w-0 flex-1 break-words">
                {name}{" "}
                <span className="text-xs text-ink-3">
                  calendar, {events.length} to come, next {events[0]?.reason}{" "}
                  {events[0] === undefined ? null : <LocalTime iso={events[0].from} />}
                </span>
              </span>
              {mayChange ? (
                <ActionForm action={removeCalendarAction} fields={{ name }}>
                  <SubmitButton variant="quiet">
                    Remove<span className="sr-only"> {name}</span>
                  </SubmitButton>
                </ActionForm>
              ) : null}
            </li>
          ))}
        </ul>
      )}
      {mayChange ? <Forms view={view} /> : null}
    </Card>
  );
}

function Forms({ view }: { view: SchedulesView }) {
  return (
    <div className="space-y-4">
      <ActionForm action={addBlackoutAction} fields={{ timeZone: view.timeZone }}>
        <div className="flex flex-wrap items-end gap-2">
          <PlaceField view={view} none="Everywhere" />
          <TextField
            className="flex-1 basis-44"
            label={`From (${view.timeZone})`}
            name="from"
            type="datetime-local"
            required
          />
          <TextField
            className="flex-1 basis-44"
            label={`Until (${view.timeZone})`}
            name="to"
            type="datetime-local"
            required
          />
          <TextField
            className="flex-1 basis-32"
            label="Reason"
            name="reason"
            required
            maxLength={200}
            placeholder="Exams"
            autoComplete="off"
          />
          <SubmitButton variant="secondary">Add blackout</SubmitButton>
        </div>
      </ActionForm>
      <ActionForm action={importCalendarAction} fields={{ timeZone: view.timeZone }}>
        <div className="flex flex-wrap items-end gap-2">
          <PlaceField view={view} none="Everywhere" />
          <TextField
            className="flex-1 basis-32"
            label="Calendar’s name"
            name="name"
            required
            maxLength={64}
            placeholder="School holidays"
            autoComplete="off"
          />
          <div className="flex-1 basis-44">
            <label htmlFor="calendar-file" className="mb-1 block text-xs font-medium text-ink-2">
              File (.ics)
            </label>
            <input
              id="calendar-file"
              name="file"
              type="file"
              accept=".ics,text/calendar"
              required
              className={`${INPUT_CLASS} py-1`}
            />
          </div>
          <SubmitButton variant="secondary">Import calendar</SubmitButton>
        </div>
      </ActionForm>
    </div>
  );
}
