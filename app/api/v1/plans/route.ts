import { PlanRestoreInput, planRestore } from "#lib/commands/plan-restore.ts";
import { Plan } from "#lib/queries/api/answers/snapshots.ts";
import { routeOf } from "../route-of.ts";

export const runtime = "nodejs";

export const POST = routeOf(
  {
    path: "/api/v1/plans",
    summary: "Plan a roll back, a clone or a localization",
    description:
      "Writes to no disk. The answer says for each PC what would be done or why it is left out; read it, then apply it by its hash within half an hour.",
    permission: "restore",
    input: PlanRestoreInput,
    answer: Plan,
    status: 201,
  },
  ({ viewer, input }) => planRestore(viewer, input),
);
