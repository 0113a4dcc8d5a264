import { showJobForApi } from "#lib/queries/api/show-job.ts";
import { routeOf } from "../../route-of.ts";

export const runtime = "nodejs";
export const GET = routeOf<{ jobId: string }>((viewer, _request, { jobId }) => showJobForApi(viewer, jobId));
