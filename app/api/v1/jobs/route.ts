import { JobFields } from "#lib/queries/api/answers/jobs.ts";
import { JobsAsked, listJobsForApi } from "#lib/queries/api/list-jobs.ts";
import { pageOf } from "#lib/queries/api/paging.ts";
import { routeOf } from "../route-of.ts";

export const runtime = "nodejs";

export const GET = routeOf(
  {
    path: "/api/v1/jobs",
    summary: "List jobs, the newest first",
    permission: "read",
    query: JobsAsked,
    answer: pageOf(JobFields),
  },
  ({ viewer, query }) => listJobsForApi(viewer, query),
);
