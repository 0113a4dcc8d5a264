import { JobWithTasks } from "#lib/queries/api/answers/jobs.ts";
import { showJobForApi } from "#lib/queries/api/show-job.ts";
import { routeOf } from "../../route-of.ts";

export const runtime = "nodejs";

export const GET = routeOf(
  {
    path: "/api/v1/jobs/{jobId}",
    summary: "Show a job with its tasks",
    description: "For live words about it follow /api/events?job={jobId}, a stream of server-sent events.",
    permission: "read",
    answer: JobWithTasks,
  },
  ({ viewer, params }) => showJobForApi(viewer, params.jobId),
);
