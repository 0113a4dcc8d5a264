// GET /api/v1/jobs?limit=
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { type Job, listJobs } from "#lib/db/jobs.ts";

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 500;

/** Newest first. */
export async function listJobsForApi(viewer: Viewer, limit: number | null): Promise<Job[]> {
  permit(viewer, "read");
  return listJobs(Math.max(1, Math.min(LIMIT_MAX, limit ?? LIMIT_DEFAULT)));
}
