import { CreateRecipientInput, createRecipient } from "#lib/commands/notifications.ts";
import { RecipientFields, RecipientMade } from "#lib/queries/api/answers/schedules.ts";
import { listRecipientsForApi, RecipientsAsked } from "#lib/queries/api/list-recipients.ts";
import { pageOf } from "#lib/queries/api/paging.ts";
import { routeOf } from "../route-of.ts";

export const runtime = "nodejs";

export const GET = routeOf(
  {
    path: "/api/v1/recipients",
    summary: "List who gets digests and alarms; secrets are not shown",
    permission: "manage-notifications",
    query: RecipientsAsked,
    answer: pageOf(RecipientFields),
  },
  ({ viewer, query }) => listRecipientsForApi(viewer, query),
);

export const POST = routeOf(
  {
    path: "/api/v1/recipients",
    summary: "Add a mail address, a webhook or a push URL",
    description: "The server itself sends to the URL, so it may lie inside your network.",
    permission: "manage-notifications",
    input: CreateRecipientInput,
    answer: RecipientMade,
    status: 201,
    repeated: "There are two recipients then, and each gets every message.",
  },
  ({ viewer, input }) => createRecipient(viewer, input),
);
