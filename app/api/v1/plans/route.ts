import { parseInput } from "#lib/commands/input.ts";
import { PlanRestoreInput, planRestore } from "#lib/commands/plan-restore.ts";
import { bodyOf, routeOf } from "../route-of.ts";

export const runtime = "nodejs";
export const POST = routeOf(
  async (viewer, request) => planRestore(viewer, parseInput(PlanRestoreInput, await bodyOf(request))),
  201,
);
