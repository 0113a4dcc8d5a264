import { CollectGarbageInput, collectGarbage } from "#lib/commands/upkeep.ts";
import { JobMade } from "#lib/queries/api/answers/shared.ts";
import { routeOf } from "../route-of.ts";

export const runtime = "nodejs";

export const POST = routeOf(
  {
    path: "/api/v1/collections",
    summary: "Free what no snapshot needs any more, or only look",
    permission: "upkeep",
    input: CollectGarbageInput,
    answer: JobMade,
    status: 202,
  },
  ({ viewer, input }) => collectGarbage(viewer, input),
);
