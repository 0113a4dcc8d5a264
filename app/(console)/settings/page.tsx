// Settings: one's own password and API tokens; for administrators the enrolment keys, and the way to other people's accounts.
import type { Metadata } from "next";
import Link from "next/link";
import type { ReactNode } from "react";
import { ChangePasswordForm } from "#components/change-password-form.tsx";
import { BandwidthCard } from "#components/settings/bandwidth-rules.tsx";
import { ActionForm, SubmitButton } from "#components/ui/action-form.tsx";
import { Badge } from "#components/ui/badge.tsx";
import { LinkButton } from "#components/ui/button.tsx";
import { Card } from "#components/ui/card.tsx";
import { SelectField, TextField } from "#components/ui/field.tsx";
import { LocalTime } from "#components/ui/local-time.tsx";
import { PageHeader } from "#components/ui/page-header.tsx";
import { HeadRow, Row, Table, Td, Th } from "#components/ui/table.tsx";
import { isPermitted } from "#lib/auth/permissions.ts";
import { type SettingsView, settingsView } from "#lib/queries/settings.ts";
import { createApiTokenAction, revokeApiTokenAction } from "../../actions/account.ts";
import { createEnrolmentKeyAction, revokeEnrolmentKeyAction } from "../../actions/enrolments.ts";
import { addBandwidthRuleAction, removeBandwidthRuleAction } from "../../actions/network.ts";
import { load } from "../../load.ts";

export const metadata: Metadata = { title: "Settings" };

export default async function SettingsPage() {
  const { view, viewer } = await load(async (viewer) => ({ view: await settingsView(viewer), viewer }));
  return (
    <>
      <PageHeader
        title="Settings"
        meta={<span className="text-ink-2">{viewer.email}</span>}
        actions={
          <>
            {isPermitted(viewer, "manage-notifications") ? (
              <LinkButton href="/settings/notifications">Notifications</LinkButton>
            ) : null}
            {isPermitted(viewer, "manage-people") ? (
              <LinkButton href="/settings/people">People</LinkButton>
            ) : null}
          </>
        }
      />
      <div className="grid items-start gap-4 xl:grid-cols-2">
        <Card title="Password">
          <ChangePasswordForm />
        </Card>
        <Card title="API tokens">
          <Tokens tokens={view.tokens} />
        </Card>
        {isPermitted(viewer, "manage-keys") ? (
          <Card title="Enrolment keys">
            <Keys view={view} />
          </Card>
        ) : null}
        {isPermitted(viewer, "manage-network") ? (
          <Card title="Bandwidth">
            <BandwidthCard
              bandwidth={view.bandwidth}
              add={addBandwidthRuleAction}
              remove={removeBandwidthRuleAction}
            />
          </Card>
        ) : null}
      </div>
    </>
  );
}

function Tokens({ tokens }: { tokens: SettingsView["tokens"] }) {
  return (
    <>
      <p className="mb-3 text-sm text-ink-2">
        For programs that act with your role. A token is shown once, when it is made.{" "}
        <Link className="underline" href="/settings/api">
          What programs can do
        </Link>
      </p>
      <ActionForm action={createApiTokenAction}>
        <div className="flex flex-wrap items-end gap-2">
          <TextField
            className="flex-1 basis-40"
            label="Name"
            name="name"
            required
            maxLength={64}
            placeholder="backup script"
            autoComplete="off"
          />
          <SubmitButton variant="secondary">Make token</SubmitButton>
        </div>
      </ActionForm>
      {tokens.length === 0 ? null : (
        <div className="-mx-4 mt-4 border-t border-line">
          <Table label="API tokens">
            <HeadRow>
              <Th>Name</Th>
              <Th>Made</Th>
              <Th>Last used</Th>
              <Th>
                <span className="sr-only">Actions</span>
              </Th>
            </HeadRow>
            <tbody>
              {tokens.map((token) => (
                <Row key={token.id}>
                  <Td className="min-w-32 break-words font-medium">{token.name}</Td>
                  <Td className="text-ink-2">
                    <LocalTime iso={token.createdAt} />
                  </Td>
                  <Td className="text-ink-2">{timeOr(token.lastUsedAt, "never")}</Td>
                  <Td className="text-right">
                    {token.revokedAt === null ? (
                      <ActionForm action={revokeApiTokenAction} fields={{ tokenId: token.id }}>
                        <SubmitButton variant="quiet">Revoke</SubmitButton>
                      </ActionForm>
                    ) : (
                      <Badge>Revoked</Badge>
                    )}
                  </Td>
                </Row>
              ))}
            </tbody>
          </Table>
        </div>
      )}
    </>
  );
}

function Keys({ view }: { view: SettingsView }) {
  return (
    <>
      <p className="mb-3 text-sm text-ink-2">
        A PC whose agent presents a key comes in at once, into the key’s classroom. Give each room its own.
      </p>
      <ActionForm action={createEnrolmentKeyAction}>
        <div className="flex flex-wrap items-end gap-2">
          <TextField
            className="flex-1 basis-32"
            label="Name"
            name="name"
            required
            maxLength={64}
            placeholder="autumn roll-out"
            autoComplete="off"
          />
          <SelectField className="flex-1 basis-32" label="Classroom" name="groupId">
            <option value="">None</option>
            {view.groups.map((group) => (
              <option key={group.id} value={group.id}>
                {group.name}
              </option>
            ))}
          </SelectField>
          <SubmitButton variant="secondary">Make key</SubmitButton>
        </div>
      </ActionForm>
      {view.keys.length === 0 ? null : (
        <div className="-mx-4 mt-4 border-t border-line">
          <Table label="Enrolment keys">
            <HeadRow>
              <Th>Name</Th>
              <Th>Classroom</Th>
              <Th>Made</Th>
              <Th>Ends</Th>
              <Th>
                <span className="sr-only">Actions</span>
              </Th>
            </HeadRow>
            <tbody>
              {view.keys.map((key) => (
                <Row key={key.id}>
                  <Td className="min-w-32 break-words font-medium">{key.name}</Td>
                  <Td>{key.groupName ?? "none"}</Td>
                  <Td className="text-ink-2">
                    <LocalTime iso={key.createdAt} />
                  </Td>
                  <Td className="text-ink-2">{timeOr(key.expiresAt, "never")}</Td>
                  <Td className="text-right">
                    {key.revokedAt === null ? (
                      <ActionForm action={revokeEnrolmentKeyAction} fields={{ keyId: key.id }}>
                        <SubmitButton variant="quiet">Revoke</SubmitButton>
                      </ActionForm>
                    ) : (
                      <Badge>Revoked</Badge>
                    )}
                  </Td>
                </Row>
              ))}
            </tbody>
          </Table>
        </div>
      )}
    </>
  );
}

function timeOr(iso: string | null, otherwise: string): ReactNode {
  return iso === null ? otherwise : <LocalTime iso={iso} />;
}
