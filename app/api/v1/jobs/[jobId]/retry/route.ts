import { RetryFailedOnlyInput, retryFailedOnly } from "#lib/commands/retry-failed-only.ts";
import { JobMade } from "#lib/queries/api/answers/shared.ts";
import { routeOf } from "../../../route-of.ts";

export const runtime = "nodejs";

export const POST = routeOf(
  {
    path: "/api/v1/jobs/{jobId}/retry",
    summary: "Do again what failed of a job",
    description:
      "A new job with the tasks that did not succeed. It needs the permission of the job's kind, too.",
    permission: "read",
    input: RetryFailedOnlyInput,
    answer: JobMade,
    status: 202,
  },
  ({ viewer, input }) => retryFailedOnly(viewer, input),
);
