import { RemoveWindowInput, removeWindow } from "#lib/commands/choose-calendar.ts";
import { Done } from "#lib/queries/api/answers/shared.ts";
import { routeOf } from "../../route-of.ts";

export const runtime = "nodejs";

export const DELETE = routeOf(
  {
    path: "/api/v1/windows/{windowId}",
    summary: "Remove a maintenance window",
    permission: "schedule",
    input: RemoveWindowInput,
    answer: Done,
  },
  async ({ viewer, input }) => {
    await removeWindow(viewer, input);
    return {};
  },
);
