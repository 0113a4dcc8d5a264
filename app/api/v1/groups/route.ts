import { CreateGroupInput, createGroup } from "#lib/commands/create-group.ts";
import { GroupFields, GroupWithCount } from "#lib/queries/api/answers/nodes.ts";
import { GroupsAsked, listGroupsForApi } from "#lib/queries/api/list-groups.ts";
import { pageOf } from "#lib/queries/api/paging.ts";
import { routeOf } from "../route-of.ts";

export const runtime = "nodejs";

export const GET = routeOf(
  {
    path: "/api/v1/groups",
    summary: "List classrooms, by name",
    permission: "read",
    query: GroupsAsked,
    answer: pageOf(GroupWithCount),
  },
  ({ viewer, query }) => listGroupsForApi(viewer, query),
);

export const POST = routeOf(
  {
    path: "/api/v1/groups",
    summary: "Make a classroom",
    permission: "manage-classrooms",
    input: CreateGroupInput,
    answer: GroupFields,
    status: 201,
  },
  ({ viewer, input }) => createGroup(viewer, input),
);
