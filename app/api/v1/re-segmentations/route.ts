import { ReSegmentInput, reSegmentRepository } from "#lib/commands/upkeep.ts";
import { JobMade } from "#lib/queries/api/answers/shared.ts";
import { routeOf } from "../route-of.ts";

export const runtime = "nodejs";

export const POST = routeOf(
  {
    path: "/api/v1/re-segmentations",
    summary: "Compress cold packs anew",
    permission: "upkeep",
    input: ReSegmentInput,
    answer: JobMade,
    status: 202,
  },
  ({ viewer, input }) => reSegmentRepository(viewer, input),
);
