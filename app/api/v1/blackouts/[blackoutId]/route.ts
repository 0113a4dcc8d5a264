import { RemoveBlackoutInput, removeBlackout } from "#lib/commands/choose-calendar.ts";
import { Done } from "#lib/queries/api/answers/shared.ts";
import { routeOf } from "../../route-of.ts";

export const runtime = "nodejs";

export const DELETE = routeOf(
  {
    path: "/api/v1/blackouts/{blackoutId}",
    summary: "Remove a blackout",
    permission: "schedule",
    input: RemoveBlackoutInput,
    answer: Done,
  },
  async ({ viewer, input }) => {
    await removeBlackout(viewer, input);
    return {};
  },
);
