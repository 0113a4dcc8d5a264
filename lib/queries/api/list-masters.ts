// GET /api/v1/masters: every release, by master, the newest first.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { listReleases, type ReleaseView } from "#lib/db/releases.ts";
import { type Page, pageFields, pageOfWhole } from "./paging.ts";

export const MastersAsked = z.object(pageFields({ usual: 500, max: 1_000 }));

export async function listMastersForApi(
  viewer: Viewer,
  asked: z.output<typeof MastersAsked>,
): Promise<Page<ReleaseView>> {
  permit(viewer, "read");
  return pageOfWhole(await listReleases(), asked, ({ masterName, number }) => [masterName, -number]);
}
