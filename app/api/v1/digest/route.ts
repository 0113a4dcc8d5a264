import { ChooseDigestInput, chooseDigest } from "#lib/commands/notifications.ts";
import { DigestFields, DigestTimeFields } from "#lib/queries/api/answers/schedules.ts";
import { showDigestForApi } from "#lib/queries/api/list-recipients.ts";
import { routeOf } from "../route-of.ts";

export const runtime = "nodejs";

export const GET = routeOf(
  {
    path: "/api/v1/digest",
    summary: "Show when the morning digest is made, and the last one",
    permission: "manage-notifications",
    answer: DigestFields,
  },
  ({ viewer }) => showDigestForApi(viewer),
);

export const PUT = routeOf(
  {
    path: "/api/v1/digest",
    summary: "Choose when the morning digest is made",
    permission: "manage-notifications",
    input: ChooseDigestInput,
    answer: DigestTimeFields,
  },
  async ({ viewer, input }) => ({ digest: await chooseDigest(viewer, input) }),
);

export const DELETE = routeOf(
  {
    path: "/api/v1/digest",
    summary: "Make no digest any more",
    permission: "manage-notifications",
    answer: DigestTimeFields,
  },
  async ({ viewer }) => ({ digest: await chooseDigest(viewer, null) }),
);
