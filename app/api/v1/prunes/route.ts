import { z } from "zod";
import { ApplyPruneInput, applyPrune, PlanPruneInput, planPruneJob } from "#lib/commands/upkeep.ts";
import { JobMade } from "#lib/queries/api/answers/shared.ts";
import { routeOf } from "../route-of.ts";

export const runtime = "nodejs";

/** A plan's id that is none must not be taken for the wish to plan. */
const PruneInput = z.union([ApplyPruneInput, PlanPruneInput.extend({ planJobId: z.never().optional() })]);

export const POST = routeOf(
  {
    path: "/api/v1/prunes",
    summary: "Plan which snapshots to let go of, or apply such a plan",
    description: "With `planJobId`, the job of a plan, it is applied as shown; without it a plan is made.",
    permission: "prune",
    input: PruneInput,
    answer: JobMade,
    status: 202,
  },
  ({ viewer, input }) =>
    input.planJobId === undefined
      ? planPruneJob(viewer, input)
      : applyPrune(viewer, { requestId: input.requestId, planJobId: input.planJobId }),
);
