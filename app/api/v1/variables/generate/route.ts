import { GenerateValuesInput, generateValues } from "#lib/commands/generate-values.ts";
import { parseInput } from "#lib/commands/input.ts";
import { routeOf } from "../../route-of.ts";
import { flagOf, largeBodyOf } from "../large-body.ts";

export const runtime = "nodejs";
export const POST = routeOf(async (viewer, request) => {
  const body = await largeBodyOf(request);
  const asked = typeof body === "object" && body !== null ? body : {};
  return generateValues(
    viewer,
    parseInput(GenerateValuesInput, { dryRun: flagOf(request, "dryRun"), ...asked }),
  );
});
