import { previewLocalization } from "#lib/queries/release.ts";
import { routeOf } from "../../../route-of.ts";

export const runtime = "nodejs";
/** ?node=ID */
export const GET = routeOf<{ releaseId: string }>(async (viewer, request, { releaseId }) => {
  const nodeId = new URL(request.url).searchParams.get("node") ?? "";
  return previewLocalization(viewer, { releaseId, nodeId });
});
