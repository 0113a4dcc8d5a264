import { withdrawRelease } from "#lib/commands/release-master.ts";
import { CodedError } from "#lib/model/errors.ts";
import { releaseDetails } from "#lib/queries/release.ts";
import { routeOf } from "../../route-of.ts";

export const runtime = "nodejs";
export const GET = routeOf<{ releaseId: string }>(async (viewer, _request, { releaseId }) => {
  const details = await releaseDetails(viewer, releaseId);
  if (details === null) throw new CodedError("release-unknown", `There is no release ${releaseId}.`);
  return details;
});
export const DELETE = routeOf<{ releaseId: string }>(async (viewer, _request, { releaseId }) => {
  await withdrawRelease(viewer, { releaseId });
  return {};
});
