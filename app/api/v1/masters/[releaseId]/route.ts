import { WithdrawReleaseInput, withdrawRelease } from "#lib/commands/release-master.ts";
import { CodedError } from "#lib/model/errors.ts";
import { ReleaseDetails } from "#lib/queries/api/answers/masters.ts";
import { Done } from "#lib/queries/api/answers/shared.ts";
import { releaseDetails } from "#lib/queries/release.ts";
import { routeOf } from "../../route-of.ts";

export const runtime = "nodejs";

export const GET = routeOf(
  {
    path: "/api/v1/masters/{releaseId}",
    summary: "Show a release: what is declared for it, and what was found in its bytes",
    permission: "read",
    answer: ReleaseDetails,
  },
  async ({ viewer, params: { releaseId } }) => {
    const details = await releaseDetails(viewer, releaseId);
    if (details === null) throw new CodedError("release-unknown", `There is no release ${releaseId}.`);
    return details;
  },
);

export const DELETE = routeOf(
  {
    path: "/api/v1/masters/{releaseId}",
    summary: "Withdraw a release; its snapshot stays pinned",
    permission: "release",
    input: WithdrawReleaseInput,
    answer: Done,
  },
  async ({ viewer, input }) => {
    await withdrawRelease(viewer, input);
    return {};
  },
);
