// All classrooms with the readiness of their nodes, plus the nodes that belong to none.
import "server-only";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/viewer.ts";
import { type GroupNodeRow, listGroupNodeRows, listGroupRows } from "#lib/db/group-views.ts";
import { countReadiness, type ReadinessCounts } from "./room-readiness.ts";

export interface ClassroomCard {
  readonly id: string;
  readonly name: string;
  readonly nodeCount: number;
  readonly counts: ReadinessCounts;
  readonly diskBytes: number;
  readonly lastSnapshotAt: string | null;
}

export interface ClassroomsView {
  readonly classrooms: readonly ClassroomCard[];
  readonly looseNodes: readonly { readonly id: string; readonly name: string }[];
}

export async function classroomsView(viewer: Viewer): Promise<ClassroomsView> {
  permit(viewer, "read");
  const [groups, nodes] = await Promise.all([listGroupRows(), listGroupNodeRows()]);
  const byGroup = Map.groupBy(nodes, (node) => node.groupId);
  const nowMs = Date.now();
  return {
    classrooms: groups.map((group) => cardOf(group, byGroup.get(group.id) ?? [], nowMs)),
    looseNodes: (byGroup.get(null) ?? []).map((node) => ({ id: node.nodeId, name: node.name })),
  };
}

function cardOf(
  group: { id: string; name: string },
  nodes: readonly GroupNodeRow[],
  nowMs: number,
): ClassroomCard {
  const times = nodes.flatMap((node) => (node.lastSnapshotAt === null ? [] : [node.lastSnapshotAt]));
  return {
    id: group.id,
    name: group.name,
    nodeCount: nodes.length,
    counts: countReadiness(nodes, nowMs),
    diskBytes: nodes.reduce((sum, node) => sum + node.diskBytes, 0),
    lastSnapshotAt: times.sort().at(-1) ?? null,
  };
}
