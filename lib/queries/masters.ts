// The masters: which snapshots classrooms are made of, by name, the newest release first.
import "server-only";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/viewer.ts";
import { listReleases, type ReleaseView } from "#lib/db/releases.ts";

export interface MasterView {
  readonly name: string;
  readonly releases: readonly ReleaseView[];
}

export async function mastersView(viewer: Viewer): Promise<MasterView[]> {
  permit(viewer, "read");
  const byName = Map.groupBy(await listReleases(), ({ masterName }) => masterName);
  return [...byName].map(([name, releases]) => ({ name, releases }));
}
