import { parseInput } from "#lib/commands/input.ts";
import { ReleaseMasterInput, releaseMaster } from "#lib/commands/release-master.ts";
import { listMastersForApi } from "#lib/queries/api/list-masters.ts";
import { bodyOf, requestIdOf, routeOf } from "../route-of.ts";

export const runtime = "nodejs";
export const GET = routeOf(async (viewer) => ({ items: await listMastersForApi(viewer) }));
export const POST = routeOf(
  async (viewer, request) =>
    releaseMaster(
      viewer,
      parseInput(ReleaseMasterInput, { requestId: requestIdOf(request), ...(await bodyOf(request)) }),
    ),
  201,
);
