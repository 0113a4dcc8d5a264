// What a viewer may do, by role: asked in the first line of every command and query. Deny by default.
import { CodedError } from "#lib/model/errors.ts";
import type { Role } from "#lib/model/people.ts";

export const ACTIONS = [
  "read",
  "snapshot",
  "restore",
  "verify",
  "evaluate",
  "upkeep",
  "pin",
  "release",
  "localize",
  "cancel",
  "schedule",
  "prune",
  "manage-storage",
  "manage-network",
  "enrol",
  "manage-classrooms",
  "manage-keys",
  "manage-notifications",
  "manage-people",
] as const;
export type Action = (typeof ACTIONS)[number];

export interface Permitted {
  readonly id: string;
  readonly role: Role;
}

const ALLOWED: Readonly<Record<Role, readonly Action[]>> = {
  viewer: ["read"],
  operator: [
    "read",
    "snapshot",
    "restore",
    "verify",
    "evaluate",
    "upkeep",
    "pin",
    "release",
    "localize",
    "cancel",
    "schedule",
  ],
  admin: ACTIONS,
};

export function isPermitted(viewer: Permitted, action: Action): boolean {
  return ALLOWED[viewer.role].includes(action);
}

export function permit(viewer: Permitted, action: Action, subject?: string): void {
  if (isPermitted(viewer, action)) return;
  const about = subject === undefined ? "" : ` ${subject}`;
  throw new CodedError("not-permitted", `Your role (${viewer.role}) does not include "${action}"${about}.`, {
    hint: "Ask an administrator of Sheepfold to do it or to change your role.",
    facts: { action, role: viewer.role },
  });
}
