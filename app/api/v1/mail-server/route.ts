import { ChooseMailServerInput, chooseMailServer } from "#lib/commands/notifications.ts";
import { MailServerFields } from "#lib/queries/api/answers/schedules.ts";
import { showMailServerForApi } from "#lib/queries/api/list-recipients.ts";
import { routeOf } from "../route-of.ts";

export const runtime = "nodejs";

export const GET = routeOf(
  {
    path: "/api/v1/mail-server",
    summary: "Show the mail server, without its password",
    permission: "manage-notifications",
    answer: MailServerFields,
  },
  ({ viewer }) => showMailServerForApi(viewer),
);

export const PUT = routeOf(
  {
    path: "/api/v1/mail-server",
    summary: "Choose the mail server",
    permission: "manage-notifications",
    input: ChooseMailServerInput,
    answer: MailServerFields,
  },
  async ({ viewer, input }) => {
    await chooseMailServer(viewer, input);
    return showMailServerForApi(viewer);
  },
);
