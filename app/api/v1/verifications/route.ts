import { VerifyRepositoryInput, verifyRepository } from "#lib/commands/verify-repository.ts";
import { JobMade } from "#lib/queries/api/answers/shared.ts";
import { routeOf } from "../route-of.ts";

export const runtime = "nodejs";

export const POST = routeOf(
  {
    path: "/api/v1/verifications",
    summary: "Read the repository again, or what one snapshot needs of it",
    permission: "verify",
    input: VerifyRepositoryInput,
    answer: JobMade,
    status: 202,
  },
  ({ viewer, input }) => verifyRepository(viewer, input),
);
