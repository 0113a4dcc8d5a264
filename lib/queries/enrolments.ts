// The enrolment inbox: PCs that ask to be let in, with the code their screen shows, and the rooms they can join.
import "server-only";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/viewer.ts";
import { type GroupRow, listGroupRows } from "#lib/db/group-views.ts";
import { listPendingNodeRows, type PendingNodeRow } from "#lib/db/node-views.ts";

export interface EnrolmentsView {
  readonly pending: readonly PendingNodeRow[];
  readonly groups: readonly GroupRow[];
}

export async function enrolmentsView(viewer: Viewer): Promise<EnrolmentsView> {
  permit(viewer, "read");
  const [pending, groups] = await Promise.all([listPendingNodeRows(), listGroupRows()]);
  return { pending, groups };
}
