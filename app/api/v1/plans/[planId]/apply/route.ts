import { ApplyRestorePlanInput, applyRestorePlan } from "#lib/commands/apply-restore-plan.ts";
import { JobMade } from "#lib/queries/api/answers/shared.ts";
import { routeOf } from "../../../route-of.ts";

export const runtime = "nodejs";

export const POST = routeOf(
  {
    path: "/api/v1/plans/{planId}/apply",
    summary: "Carry a plan out, exactly as it was shown or not at all",
    description: "For several PCs `confirmName` must be the plan's subjectName.",
    permission: "restore",
    input: ApplyRestorePlanInput,
    answer: JobMade,
    status: 202,
  },
  ({ viewer, input }) => applyRestorePlan(viewer, input),
);
