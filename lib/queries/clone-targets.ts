// Where a snapshot can be cloned to: classrooms, and their PCs one by one.
import "server-only";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/viewer.ts";
import { listGroupNodeRows, listGroupRows } from "#lib/db/group-views.ts";

export interface CloneTargets {
  /** The classrooms that have PCs; the last one has no id and holds the PCs of no classroom. */
  readonly rooms: readonly {
    readonly id: string | null;
    readonly name: string;
    readonly nodes: readonly { readonly id: string; readonly name: string }[];
  }[];
}

export async function cloneTargets(viewer: Viewer): Promise<CloneTargets> {
  permit(viewer, "restore");
  const [groups, nodes] = await Promise.all([listGroupRows(), listGroupNodeRows()]);
  const byGroup = Map.groupBy(nodes, (node) => node.groupId);
  const rooms = [...groups.map(({ id, name }) => ({ id, name })), { id: null, name: "In no classroom" }].map(
    (room) => ({
      ...room,
      nodes: (byGroup.get(room.id) ?? []).map(({ nodeId, name }) => ({ id: nodeId, name })),
    }),
  );
  return { rooms: rooms.filter((room) => room.nodes.length > 0) };
}
