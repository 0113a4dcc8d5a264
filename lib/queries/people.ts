// Everyone who has an account, and what an administrator may do to each.
import "server-only";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/viewer.ts";
import { listPersonRows, type PersonRow } from "#lib/db/account-views.ts";
import { leavesAnAdmin } from "#lib/model/people.ts";

export interface PersonView extends PersonRow {
  readonly isViewer: boolean;
  /** The only administrator who can sign in: neither demoted nor disabled. */
  readonly isLastAdmin: boolean;
}

export async function peopleView(viewer: Viewer): Promise<PersonView[]> {
  permit(viewer, "manage-people");
  const rows = await listPersonRows();
  const people = rows.map(({ id, role, disabledAt }) => ({ id, role, signInDisabled: disabledAt !== null }));
  return rows.map((row) => ({
    ...row,
    isViewer: row.id === viewer.id,
    isLastAdmin: !leavesAnAdmin(people, row.id, { signInDisabled: true }),
  }));
}
