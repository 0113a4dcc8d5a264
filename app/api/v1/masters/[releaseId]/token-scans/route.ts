import { lookForTokens } from "#lib/commands/look-for-tokens.ts";
import { requestIdOf, routeOf } from "../../../route-of.ts";

export const runtime = "nodejs";
export const POST = routeOf<{ releaseId: string }>(
  async (viewer, request, { releaseId }) =>
    lookForTokens(viewer, { requestId: requestIdOf(request), releaseId }),
  201,
);
