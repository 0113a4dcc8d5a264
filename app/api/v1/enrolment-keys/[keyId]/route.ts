import { revokeEnrolmentKey } from "#lib/commands/revoke-enrolment-key.ts";
import { routeOf } from "../../route-of.ts";

export const runtime = "nodejs";
export const DELETE = routeOf<{ keyId: string }>(async (viewer, _request, { keyId }) => {
  await revokeEnrolmentKey(viewer, { keyId });
  return { keyId };
});
