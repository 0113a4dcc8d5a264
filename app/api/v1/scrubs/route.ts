import { ScrubRepositoryInput, scrubRepository } from "#lib/commands/upkeep.ts";
import { JobMade } from "#lib/queries/api/answers/shared.ts";
import { routeOf } from "../route-of.ts";

export const runtime = "nodejs";

export const POST = routeOf(
  {
    path: "/api/v1/scrubs",
    summary: "Look for rot in the repository's packs",
    permission: "upkeep",
    input: ScrubRepositoryInput,
    answer: JobMade,
    status: 202,
  },
  ({ viewer, input }) => scrubRepository(viewer, input),
);
