// People: who may sign in and with which role. For administrators only.
import { UserPlus } from "lucide-react";
import type { Metadata } from "next";
import { ActionForm, SubmitButton } from "#components/ui/action-form.tsx";
import { Badge } from "#components/ui/badge.tsx";
import { Card } from "#components/ui/card.tsx";
import { DialogButton } from "#components/ui/dialog.tsx";
import { SelectField, TextField } from "#components/ui/field.tsx";
import { LocalTime } from "#components/ui/local-time.tsx";
import { PageHeader } from "#components/ui/page-header.tsx";
import { ROLES, type Role } from "#lib/model/people.ts";
import { type PersonView, peopleView } from "#lib/queries/people.ts";
import {
  changeRoleAction,
  createUserAction,
  resetPasswordAction,
  setSignInAction,
} from "../../../actions/people.ts";
import { load } from "../../../load.ts";

export const metadata: Metadata = { title: "People" };

const ROLE_WORDS: Readonly<Record<Role, string>> = {
  viewer: "Viewer: sees everything, changes nothing",
  operator: "Operator: snapshots, roll backs, verifying",
  admin: "Admin: lets in PCs and people, too",
};

export default async function PeoplePage() {
  const people = await load(peopleView);
  return (
    <>
      <PageHeader
        crumbs={[{ href: "/settings", label: "Settings" }]}
        title="People"
        actions={<AddPerson />}
      />
      <Card title="Who may sign in" flush>
        <ul className="divide-y divide-line">
          {people.map((person) => (
            <li key={person.id} className="p-4">
              <Person person={person} />
            </li>
          ))}
        </ul>
      </Card>
    </>
  );
}

function AddPerson() {
  return (
    <DialogButton
      label="Add person"
      icon={<UserPlus aria-hidden size={14} />}
      variant="primary"
      title="Add person"
    >
      <ActionForm action={createUserAction} className="space-y-4">
        <TextField label="Name" name="name" required maxLength={64} autoComplete="off" />
        <TextField label="Email" name="email" type="email" required maxLength={254} autoComplete="off" />
        <RoleField />
        <SubmitButton>Add</SubmitButton>
        <p className="text-xs text-ink-3">
          Sheepfold makes a password and shows it here once. The person changes it under Settings.
        </p>
      </ActionForm>
    </DialogButton>
  );
}

function Person({ person }: { person: PersonView }) {
  return (
    <div className="grid gap-4 lg:grid-cols-[minmax(0,1fr)_minmax(0,30rem)]">
      <div className="min-w-0">
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
          <span className="break-words font-medium">{person.name}</span>
          {person.isViewer ? <Badge>You</Badge> : null}
          {person.disabledAt === null ? null : <Badge tone="warn">Sign-in disabled</Badge>}
        </p>
        <p className="break-all text-sm text-ink-2">{person.email}</p>
        <p className="mt-1 text-xs text-ink-3">
          {person.lastSeenAt === null ? (
            "Not signed in"
          ) : (
            <>
              Signed in, last renewed <LocalTime iso={person.lastSeenAt} />
            </>
          )}
        </p>
      </div>
      {person.isLastAdmin ? (
        <p className="text-sm text-ink-2">
          The only administrator who can sign in. Make somebody else one before changing this account.
        </p>
      ) : (
        <div className="space-y-2">
          <ActionForm action={changeRoleAction} fields={{ userId: person.id }}>
            <div className="flex flex-wrap items-end gap-2">
              <RoleField role={person.role} />
              <SubmitButton variant="secondary">Change role</SubmitButton>
            </div>
          </ActionForm>
          <div className="flex flex-wrap items-start gap-2">
            {person.isViewer ? null : <NewPassword person={person} />}
            <SignInSwitch person={person} />
          </div>
        </div>
      )}
    </div>
  );
}

/** Redrawn when the stored role changes, so that the choice shown is never an old one. */
function RoleField({ role = "viewer" }: { role?: Role }) {
  return (
    <SelectField key={role} className="flex-1 basis-56" label="Role" name="role" defaultValue={role}>
      {ROLES.map((each) => (
        <option key={each} value={each}>
          {ROLE_WORDS[each]}
        </option>
      ))}
    </SelectField>
  );
}

function NewPassword({ person }: { person: PersonView }) {
  return (
    <DialogButton label="New password" variant="quiet" title={`New password for ${person.name}`}>
      <ActionForm action={resetPasswordAction} fields={{ userId: person.id }} className="space-y-4">
        <p>
          The old password stops working and {person.name} is signed out everywhere. API tokens stay. The new
          password is shown here once.
        </p>
        <SubmitButton variant="danger">Make a new password</SubmitButton>
      </ActionForm>
    </DialogButton>
  );
}

function SignInSwitch({ person }: { person: PersonView }) {
  const next = person.disabledAt === null ? "disabled" : "enabled";
  return (
    <ActionForm action={setSignInAction} fields={{ userId: person.id, signIn: next }}>
      <SubmitButton variant="quiet">
        {next === "disabled" ? "Disable sign-in" : "Enable sign-in"}
      </SubmitButton>
    </ActionForm>
  );
}
