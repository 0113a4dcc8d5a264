// GET /api/v1/groups
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { type Group, listGroups } from "#lib/db/groups.ts";

export async function listGroupsForApi(viewer: Viewer): Promise<(Group & { readonly nodeCount: number })[]> {
  permit(viewer, "read");
  return listGroups();
}
