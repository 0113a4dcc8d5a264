// GET /api/v1/nodes
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { listNodes, type NodeSummary } from "#lib/db/nodes.ts";
import { isOnline } from "#lib/model/node.ts";

export type NodeAnswer = Omit<NodeSummary, "lastSeenAtMs"> & {
  readonly online: boolean;
  readonly lastSeenAt: string | null;
};

export async function listNodesForApi(viewer: Viewer): Promise<NodeAnswer[]> {
  permit(viewer, "read");
  const nodes = await listNodes();
  return nodes.map(({ lastSeenAtMs, ...node }) => ({
    ...node,
    online: isOnline(lastSeenAtMs, Date.now()),
    lastSeenAt: lastSeenAtMs === null ? null : new Date(lastSeenAtMs).toISOString(),
  }));
}
