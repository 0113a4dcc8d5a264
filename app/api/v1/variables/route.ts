import { parseInput } from "#lib/commands/input.ts";
import { SetVariablesInput, setVariables } from "#lib/commands/set-variables.ts";
import { listVariablesForApi } from "#lib/queries/api/list-variables.ts";
import { routeOf } from "../route-of.ts";
import { flagOf, largeBodyOf } from "./large-body.ts";

export const runtime = "nodejs";
export const GET = routeOf((viewer, request) =>
  listVariablesForApi(viewer, new URL(request.url).searchParams.get("groupId")),
);
export const PUT = routeOf(async (viewer, request) => {
  const body = parseInput(SetVariablesInput, await largeBodyOf(request));
  return setVariables(viewer, { ...body, dryRun: body.dryRun || flagOf(request, "dryRun") });
});
