import { ApplyRestorePlanInput, applyRestorePlan } from "#lib/commands/apply-restore-plan.ts";
import { parseInput } from "#lib/commands/input.ts";
import { bodyOf, requestIdOf, routeOf } from "../../../route-of.ts";

export const runtime = "nodejs";
export const POST = routeOf<{ planId: string }>(async (viewer, request, { planId }) => {
  const input = { ...(await bodyOf(request)), planId, requestId: requestIdOf(request) };
  return applyRestorePlan(viewer, parseInput(ApplyRestorePlanInput, input));
}, 202);
