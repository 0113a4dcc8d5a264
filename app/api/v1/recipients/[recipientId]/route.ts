import { RecipientInput, removeRecipient } from "#lib/commands/notifications.ts";
import { Done } from "#lib/queries/api/answers/shared.ts";
import { routeOf } from "../../route-of.ts";

export const runtime = "nodejs";

export const DELETE = routeOf(
  {
    path: "/api/v1/recipients/{recipientId}",
    summary: "Remove a recipient and what was still to be sent to it",
    permission: "manage-notifications",
    input: RecipientInput,
    answer: Done,
  },
  async ({ viewer, input }) => {
    await removeRecipient(viewer, input);
    return {};
  },
);
