import { cancelJob } from "#lib/commands/cancel-job.ts";
import { routeOf } from "../../../route-of.ts";

export const runtime = "nodejs";
export const POST = routeOf<{ jobId: string }>(
  (viewer, _request, { jobId }) => cancelJob(viewer, { jobId }),
  202,
);
