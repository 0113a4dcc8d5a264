import { LookForTokensInput, lookForTokens } from "#lib/commands/look-for-tokens.ts";
import { JobMade } from "#lib/queries/api/answers/shared.ts";
import { routeOf } from "../../../route-of.ts";

export const runtime = "nodejs";

export const POST = routeOf(
  {
    path: "/api/v1/masters/{releaseId}/token-scans",
    summary: "Look through a release's bytes for tokens",
    permission: "release",
    input: LookForTokensInput,
    answer: JobMade,
    status: 201,
  },
  ({ viewer, input }) => lookForTokens(viewer, input),
);
