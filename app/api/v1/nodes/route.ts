import { NodeFields } from "#lib/queries/api/answers/nodes.ts";
import { listNodesForApi, NodesAsked } from "#lib/queries/api/list-nodes.ts";
import { pageOf } from "#lib/queries/api/paging.ts";
import { routeOf } from "../route-of.ts";

export const runtime = "nodejs";

export const GET = routeOf(
  {
    path: "/api/v1/nodes",
    summary: "List PCs, by name",
    permission: "read",
    query: NodesAsked,
    answer: pageOf(NodeFields),
  },
  ({ viewer, query }) => listNodesForApi(viewer, query),
);
