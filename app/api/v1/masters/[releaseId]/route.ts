import { withdrawRelease } from "#lib/commands/release-master.ts";
import { routeOf } from "../../route-of.ts";

export const runtime = "nodejs";
export const DELETE = routeOf<{ releaseId: string }>(async (viewer, _request, { releaseId }) => {
  await withdrawRelease(viewer, { releaseId });
  return {};
});
