import { parseInput } from "#lib/commands/input.ts";
import { ReSegmentInput, reSegmentRepository } from "#lib/commands/upkeep.ts";
import { bodyOf, requestIdOf, routeOf } from "../route-of.ts";

export const runtime = "nodejs";
export const POST = routeOf(async (viewer, request) => {
  const input = { ...(await bodyOf(request)), requestId: requestIdOf(request) };
  return reSegmentRepository(viewer, parseInput(ReSegmentInput, input));
}, 202);
