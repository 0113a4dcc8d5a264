import { z } from "zod";
import { NodePreview } from "#lib/queries/api/answers/masters.ts";
import { previewLocalization } from "#lib/queries/release.ts";
import { routeOf } from "../../../route-of.ts";

export const runtime = "nodejs";

export const GET = routeOf(
  {
    path: "/api/v1/masters/{releaseId}/preview",
    summary: "Show what one PC would get of a release",
    permission: "read",
    query: z.object({ node: z.string().min(1).max(64).describe("Id of the PC.") }),
    answer: NodePreview,
  },
  ({ viewer, params, query }) =>
    previewLocalization(viewer, { releaseId: params.releaseId, nodeId: query.node }),
);
