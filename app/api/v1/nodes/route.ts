import { listNodesForApi } from "#lib/queries/api/list-nodes.ts";
import { routeOf } from "../route-of.ts";

export const runtime = "nodejs";
export const GET = routeOf(async (viewer) => ({ items: await listNodesForApi(viewer) }));
