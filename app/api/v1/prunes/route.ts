import { parseInput } from "#lib/commands/input.ts";
import { ApplyPruneInput, applyPrune, PlanPruneInput, planPruneJob } from "#lib/commands/upkeep.ts";
import { bodyOf, requestIdOf, routeOf } from "../route-of.ts";

export const runtime = "nodejs";
/** With the job of a plan it is applied; without one a plan is made. */
export const POST = routeOf(async (viewer, request) => {
  const input = { ...(await bodyOf(request)), requestId: requestIdOf(request) };
  return "planJobId" in input
    ? applyPrune(viewer, parseInput(ApplyPruneInput, input))
    : planPruneJob(viewer, parseInput(PlanPruneInput, input));
}, 202);
