// GET /api/v1/groups: the classrooms, by name.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { type Group, listGroups } from "#lib/db/groups.ts";
import { type Page, pageFields, pageOfWhole } from "./paging.ts";

export const GroupsAsked = z.object(pageFields({ usual: 500, max: 1_000 }));

export async function listGroupsForApi(
  viewer: Viewer,
  asked: z.output<typeof GroupsAsked>,
): Promise<Page<Group & { readonly nodeCount: number }>> {
  permit(viewer, "read");
  return pageOfWhole(await listGroups(), asked, ({ name }) => [name]);
}
