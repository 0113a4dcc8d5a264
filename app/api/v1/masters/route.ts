import { ReleaseMasterInput, releaseMaster } from "#lib/commands/release-master.ts";
import { ReleaseListed, ReleaseMade } from "#lib/queries/api/answers/snapshots.ts";
import { listMastersForApi, MastersAsked } from "#lib/queries/api/list-masters.ts";
import { pageOf } from "#lib/queries/api/paging.ts";
import { routeOf } from "../route-of.ts";

export const runtime = "nodejs";

export const GET = routeOf(
  {
    path: "/api/v1/masters",
    summary: "List releases of masters, by name, the newest first",
    permission: "read",
    query: MastersAsked,
    answer: pageOf(ReleaseListed),
  },
  ({ viewer, query }) => listMastersForApi(viewer, query),
);

export const POST = routeOf(
  {
    path: "/api/v1/masters",
    summary: "Make a snapshot the next release of a master",
    permission: "release",
    input: ReleaseMasterInput,
    answer: ReleaseMade,
    status: 201,
  },
  ({ viewer, input }) => releaseMaster(viewer, input),
);
