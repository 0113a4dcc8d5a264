import { CancelJobInput, cancelJob } from "#lib/commands/cancel-job.ts";
import { JobCancelled } from "#lib/queries/api/answers/jobs.ts";
import { routeOf } from "../../../route-of.ts";

export const runtime = "nodejs";

export const POST = routeOf(
  {
    path: "/api/v1/jobs/{jobId}/cancel",
    summary: "Cancel a job",
    description: "A restore in progress leaves the disk between two versions.",
    permission: "cancel",
    input: CancelJobInput,
    answer: JobCancelled,
    status: 202,
    repeated: "It is asked to end once more, which changes nothing.",
  },
  ({ viewer, input }) => cancelJob(viewer, input),
);
