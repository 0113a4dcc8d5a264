import { CreateGroupInput, createGroup } from "#lib/commands/create-group.ts";
import { parseInput } from "#lib/commands/input.ts";
import { listGroupsForApi } from "#lib/queries/api/list-groups.ts";
import { bodyOf, routeOf } from "../route-of.ts";

export const runtime = "nodejs";
export const GET = routeOf(async (viewer) => ({ items: await listGroupsForApi(viewer) }));
export const POST = routeOf(
  async (viewer, request) => createGroup(viewer, parseInput(CreateGroupInput, await bodyOf(request))),
  201,
);
