// GET /api/v1/nodes?group=: the PCs, by name.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { listNodes, type NodeSummary } from "#lib/db/nodes.ts";
import { isOnline } from "#lib/model/node.ts";
import { type Page, pageFields, pageOfWhole } from "./paging.ts";

export type NodeAnswer = Omit<NodeSummary, "lastSeenAtMs"> & {
  readonly online: boolean;
  readonly lastSeenAt: string | null;
};

export const NodesAsked = z.object({
  group: z.string().max(64).optional().describe("Id of a classroom: only its PCs."),
  ...pageFields({ usual: 500, max: 1_000 }),
});

export async function listNodesForApi(
  viewer: Viewer,
  { group, ...asked }: z.output<typeof NodesAsked>,
): Promise<Page<NodeAnswer>> {
  permit(viewer, "read");
  const nodes = await listNodes(group === undefined ? {} : { groupId: group });
  const { items, next } = pageOfWhole(nodes, asked, ({ name }) => [name]);
  return { items: items.map(answerOf), next };
}

function answerOf({ lastSeenAtMs, ...node }: NodeSummary): NodeAnswer {
  return {
    ...node,
    online: isOnline(lastSeenAtMs, Date.now()),
    lastSeenAt: lastSeenAtMs === null ? null : new Date(lastSeenAtMs).toISOString(),
  };
}
