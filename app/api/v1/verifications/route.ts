import { parseInput } from "#lib/commands/input.ts";
import { VerifyRepositoryInput, verifyRepository } from "#lib/commands/verify-repository.ts";
import { bodyOf, requestIdOf, routeOf } from "../route-of.ts";

export const runtime = "nodejs";
export const POST = routeOf(async (viewer, request) => {
  const input = { ...(await bodyOf(request)), requestId: requestIdOf(request) };
  return verifyRepository(viewer, parseInput(VerifyRepositoryInput, input));
}, 202);
