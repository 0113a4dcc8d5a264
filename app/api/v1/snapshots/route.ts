import { SnapshotFields } from "#lib/queries/api/answers/snapshots.ts";
import { listSnapshotsForApi, SnapshotsAsked } from "#lib/queries/api/list-snapshots.ts";
import { pageOf } from "#lib/queries/api/paging.ts";
import { routeOf } from "../route-of.ts";

export const runtime = "nodejs";

export const GET = routeOf(
  {
    path: "/api/v1/snapshots",
    summary: "List snapshots, the newest first",
    permission: "read",
    query: SnapshotsAsked,
    answer: pageOf(SnapshotFields),
  },
  ({ viewer, query }) => listSnapshotsForApi(viewer, query),
);
