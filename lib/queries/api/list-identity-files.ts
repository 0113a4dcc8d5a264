// GET /api/v1/identity-files: the files of identity volumes, of all classrooms.
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { listIdentityFiles, type StoredIdentityFile } from "#lib/db/variables.ts";

export async function listIdentityFilesForApi(viewer: Viewer): Promise<StoredIdentityFile[]> {
  permit(viewer, "read");
  return listIdentityFiles();
}
