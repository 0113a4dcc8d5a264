import { RecipientInput, testRecipient } from "#lib/commands/notifications.ts";
import { TestAnswer } from "#lib/queries/api/answers/schedules.ts";
import { routeOf } from "../../../route-of.ts";

export const runtime = "nodejs";

export const POST = routeOf(
  {
    path: "/api/v1/recipients/{recipientId}/test",
    summary: "Send a few words now and tell what the other server answered",
    permission: "manage-notifications",
    input: RecipientInput,
    answer: TestAnswer,
    repeated: "They are sent once more.",
  },
  ({ viewer, input }) => testRecipient(viewer, input),
);
