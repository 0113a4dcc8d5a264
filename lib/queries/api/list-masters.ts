// GET /api/v1/masters: every release, by master, the newest first.
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { listReleases, type ReleaseView } from "#lib/db/releases.ts";

export async function listMastersForApi(viewer: Viewer): Promise<ReleaseView[]> {
  permit(viewer, "read");
  return listReleases();
}
