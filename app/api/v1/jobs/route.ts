import { listJobsForApi } from "#lib/queries/api/list-jobs.ts";
import { numberOf, routeOf } from "../route-of.ts";

export const runtime = "nodejs";
export const GET = routeOf(async (viewer, request) => ({
  items: await listJobsForApi(viewer, numberOf(request, "limit")),
}));
