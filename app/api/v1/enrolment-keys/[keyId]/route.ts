import { RevokeEnrolmentKeyInput, revokeEnrolmentKey } from "#lib/commands/revoke-enrolment-key.ts";
import { EnrolmentKeyNamed } from "#lib/queries/api/answers/nodes.ts";
import { routeOf } from "../../route-of.ts";

export const runtime = "nodejs";

export const DELETE = routeOf(
  {
    path: "/api/v1/enrolment-keys/{keyId}",
    summary: "Revoke an enrolment key; PCs it let in stay in",
    permission: "manage-keys",
    input: RevokeEnrolmentKeyInput,
    answer: EnrolmentKeyNamed,
  },
  async ({ viewer, input }) => {
    await revokeEnrolmentKey(viewer, input);
    return { keyId: input.keyId };
  },
);
