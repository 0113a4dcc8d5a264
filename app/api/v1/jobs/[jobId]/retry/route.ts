import { retryFailedOnly } from "#lib/commands/retry-failed-only.ts";
import { requestIdOf, routeOf } from "../../../route-of.ts";

export const runtime = "nodejs";
export const POST = routeOf<{ jobId: string }>(
  (viewer, request, { jobId }) => retryFailedOnly(viewer, { jobId, requestId: requestIdOf(request) }),
  202,
);
