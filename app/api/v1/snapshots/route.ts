import { listSnapshotsForApi } from "#lib/queries/api/list-snapshots.ts";
import { numberOf, routeOf } from "../route-of.ts";

export const runtime = "nodejs";
export const GET = routeOf(async (viewer, request) => {
  const query = new URL(request.url).searchParams;
  const filter = { nodeId: query.get("node"), jobId: query.get("job"), limit: numberOf(request, "limit") };
  return { items: await listSnapshotsForApi(viewer, filter) };
});
