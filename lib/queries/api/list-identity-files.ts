// GET /api/v1/identity-files: the files of identity volumes, of all classrooms, by classroom and path.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { listIdentityFiles, type StoredIdentityFile } from "#lib/db/variables.ts";
import { type Page, pageFields, pageOfWhole } from "./paging.ts";

/** There are at most 200, but each may have 64 KiB. */
export const IdentityFilesAsked = z.object(pageFields({ usual: 100, max: 200 }));

export async function listIdentityFilesForApi(
  viewer: Viewer,
  asked: z.output<typeof IdentityFilesAsked>,
): Promise<Page<StoredIdentityFile>> {
  permit(viewer, "read");
  return pageOfWhole(await listIdentityFiles(), asked, ({ groupId, path }) => [groupId, path]);
}
