// The recipients, each with its test, and one more.
import { ActionForm, SubmitButton } from "#components/ui/action-form.tsx";
import { Badge } from "#components/ui/badge.tsx";
import { SelectField, TextField } from "#components/ui/field.tsx";
import type { RecipientKind } from "#lib/model/schedule.ts";
import type { NotificationsView } from "#lib/queries/notifications.ts";
import {
  addRecipientAction,
  removeRecipientAction,
  testRecipientAction,
} from "../../../actions/notifications.ts";

const KIND_WORDS: Readonly<Record<RecipientKind, string>> = {
  mail: "Mail",
  webhook: "Webhook",
  push: "Push (ntfy)",
};

export function Recipients({ recipients }: { recipients: NotificationsView["recipients"] }) {
  return (
    <>
      <p className="mb-3 text-sm text-ink-2">
        Each gets every digest and alarm. The server itself sends to a URL, wherever it leads, also inside
        your network: enter only what you trust. It follows no redirects.
      </p>
      {recipients.length === 0 ? null : (
        <ul className="mb-4 divide-y divide-line border-y border-line text-sm">
          {recipients.map(({ id, name, kind, address, hasSecret }) => (
            <li key={id} className="py-2">
              <div className="flex flex-wrap items-center gap-x-2">
                <span className="font-medium">{name}</span>
                <Badge>{KIND_WORDS[kind]}</Badge>
                {hasSecret ? <Badge tone="ok">{kind === "webhook" ? "Signed" : "With token"}</Badge> : null}
              </div>
              <p className="break-all text-xs text-ink-3">{address}</p>
              <div className="mt-1 flex flex-wrap items-start gap-x-2">
                <ActionForm action={testRecipientAction} fields={{ recipientId: id }}>
                  <SubmitButton variant="secondary">
                    Send a test<span className="sr-only"> to {name}</span>
                  </SubmitButton>
                </ActionForm>
                <ActionForm action={removeRecipientAction} fields={{ recipientId: id }}>
                  <SubmitButton variant="quiet">
                    Remove<span className="sr-only"> {name}</span>
                  </SubmitButton>
                </ActionForm>
              </div>
            </li>
          ))}
        </ul>
      )}
      <ActionForm action={addRecipientAction}>
        <div className="grid items-end gap-x-4 gap-y-3 sm:grid-cols-2">
          <TextField
            label="Name"
            name="name"
            required
            maxLength={64}
            placeholder="IT office"
            autoComplete="off"
          />
          <SelectField label="By" name="kind">
            {Object.entries(KIND_WORDS).map(([kind, words]) => (
              <option key={kind} value={kind}>
                {words}
              </option>
            ))}
          </SelectField>
          <TextField
            label="Mail address or URL"
            name="address"
            required
            maxLength={1000}
            placeholder="it@school.example"
            autoComplete="off"
          />
          <TextField
            label="Key or token (optional)"
            name="secret"
            type="password"
            maxLength={500}
            autoComplete="new-password"
          />
        </div>
        <SubmitButton variant="secondary" className="mt-3">
          Add recipient
        </SubmitButton>
      </ActionForm>
    </>
  );
}
