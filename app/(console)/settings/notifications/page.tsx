// Who is told what a night was: when, whom, by which mail server, and how the last messages went.
import type { Metadata } from "next";
import { DeliveryBadge } from "#components/schedules/run-badge.tsx";
import { ActionForm, SubmitButton } from "#components/ui/action-form.tsx";
import { Card } from "#components/ui/card.tsx";
import { SelectField, TextField } from "#components/ui/field.tsx";
import { LocalTime } from "#components/ui/local-time.tsx";
import { PageHeader } from "#components/ui/page-header.tsx";
import { HeadRow, Row, Table, Td, Th } from "#components/ui/table.tsx";
import { type NotificationsView, notificationsView } from "#lib/queries/notifications.ts";
import {
  chooseDigestAction,
  chooseMailServerAction,
  stopDigestAction,
} from "../../../actions/notifications.ts";
import { load } from "../../../load.ts";
import { Recipients } from "./recipients.tsx";

export const metadata: Metadata = { title: "Notifications" };

export default async function NotificationsPage() {
  const view = await load(notificationsView);
  return (
    <>
      <PageHeader crumbs={[{ href: "/settings", label: "Settings" }]} title="Notifications" />
      <div className="grid items-start gap-4 xl:grid-cols-2">
        <Card title="Recipients">
          <Recipients recipients={view.recipients} />
        </Card>
        <div className="space-y-4">
          <Card title="Morning digest">
            <DigestTime view={view} />
          </Card>
          <Card title="Mail server">
            <MailServer server={view.mailServer} />
          </Card>
        </div>
        {view.lastDigest === null ? null : (
          <Card title="The last digest" aside={view.lastDigest.day}>
            <pre className="whitespace-pre-wrap break-words font-mono text-xs">{view.lastDigest.text}</pre>
          </Card>
        )}
        {view.deliveries.length === 0 ? null : (
          <Card title="Sent lately" flush>
            <Deliveries deliveries={view.deliveries} />
          </Card>
        )}
      </div>
    </>
  );
}

function DigestTime({ view: { digest } }: { view: NotificationsView }) {
  return (
    <>
      <p className="mb-3 text-sm text-ink-2">
        One message a day to every recipient: what ran, what failed and why, what did not run at all, how the
        store grew. An alarm comes at once when a result is later than its forecast and grace.
      </p>
      <ActionForm action={chooseDigestAction}>
        <div className="flex flex-wrap items-end gap-2">
          <TextField
            className="w-28"
            label="Every day at"
            name="at"
            type="time"
            required
            defaultValue={digest === null ? "07:00" : clockOf(digest.atMinute)}
          />
          <TextField
            className="flex-1 basis-32"
            label="Time zone"
            name="timeZone"
            required
            maxLength={64}
            defaultValue={digest?.timeZone ?? "UTC"}
          />
          <SubmitButton variant="secondary">{digest === null ? "Switch on" : "Save"}</SubmitButton>
        </div>
      </ActionForm>
      {digest === null ? (
        <p className="mt-2 text-sm text-ink-3">No digest is made yet.</p>
      ) : (
        <ActionForm action={stopDigestAction} className="mt-2">
          <SubmitButton variant="quiet">Make no digest</SubmitButton>
        </ActionForm>
      )}
    </>
  );
}

function MailServer({ server }: { server: NotificationsView["mailServer"] }) {
  return (
    <ActionForm action={chooseMailServerAction}>
      <div className="grid items-end gap-x-4 gap-y-3 sm:grid-cols-2">
        <TextField
          label="Host"
          name="host"
          required
          maxLength={253}
          defaultValue={server?.host}
          placeholder="mail.school.example"
          autoComplete="off"
        />
        <TextField
          label="Port"
          name="port"
          type="number"
          min={1}
          max={65_535}
          required
          defaultValue={server?.port ?? 587}
        />
        <SelectField label="Security" name="security" defaultValue={server?.security ?? "starttls"}>
          <option value="starttls">STARTTLS, required</option>
          <option value="tls">TLS from the first byte</option>
          <option value="none">None: only on this machine</option>
        </SelectField>
        <TextField
          label="From"
          name="from"
          type="email"
          required
          maxLength={254}
          defaultValue={server?.from}
          placeholder="sheepfold@school.example"
          autoComplete="off"
        />
        <TextField
          label="User"
          name="user"
          maxLength={320}
          defaultValue={server?.user ?? ""}
          autoComplete="off"
        />
        <TextField
          label="Password"
          name="password"
          type="password"
          maxLength={500}
          autoComplete="new-password"
          placeholder={server?.hasPassword ? "unchanged" : ""}
        />
      </div>
      <SubmitButton variant="secondary" className="mt-3">
        Save mail server
      </SubmitButton>
    </ActionForm>
  );
}

function Deliveries({ deliveries }: { deliveries: NotificationsView["deliveries"] }) {
  return (
    <Table label="Messages sent lately">
      <HeadRow>
        <Th>What</Th>
        <Th>To</Th>
        <Th>When</Th>
        <Th>State</Th>
      </HeadRow>
      <tbody>
        {deliveries.map((each) => (
          <Row key={each.id}>
            <Td className="min-w-28 break-words">{each.subject.split(" ").slice(0, 1)}</Td>
            <Td>{each.recipientName}</Td>
            <Td className="text-ink-2">
              <LocalTime iso={each.createdAt} />
            </Td>
            <Td>
              <DeliveryBadge state={each.state} />
              {each.answer === null ? null : (
                <p className="mt-0.5 max-w-72 break-words text-xs text-ink-3">
                  {each.attempt > 1 ? `After ${each.attempt} tries: ` : ""}
                  {each.answer}
                </p>
              )}
            </Td>
          </Row>
        ))}
      </tbody>
    </Table>
  );
}

function clockOf(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
}
