// GET /api/v1/jobs: the newest first.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { type Job, listJobs } from "#lib/db/jobs.ts";
import { JOB_STATES } from "#lib/model/job.ts";
import { type Page, pageFields, pageFrom, placeOf } from "./paging.ts";

export const JobsAsked = z.object({
  state: z.enum(JOB_STATES).optional().describe("Only jobs in this state."),
  ...pageFields({ usual: 50, max: 500 }),
});

/** When it was made, and its id. */
const JobPlace = z.tuple([z.iso.datetime(), z.string()]);

export async function listJobsForApi(
  viewer: Viewer,
  { state, limit, cursor }: z.output<typeof JobsAsked>,
): Promise<Page<Job>> {
  permit(viewer, "read");
  const place = placeOf(JobPlace, cursor);
  const after = place === null ? undefined : { createdAt: place[0], id: place[1] };
  const rows = await listJobs({ state, after, limit: limit + 1 });
  return pageFrom(rows, limit, ({ createdAt, id }) => [createdAt, id]);
}
