import { DefineVariableInput, defineVariable } from "#lib/commands/define-variable.ts";
import { parseInput } from "#lib/commands/input.ts";
import { bodyOf, routeOf } from "../route-of.ts";

export const runtime = "nodejs";
export const POST = routeOf(
  async (viewer, request) => defineVariable(viewer, parseInput(DefineVariableInput, await bodyOf(request))),
  201,
);
