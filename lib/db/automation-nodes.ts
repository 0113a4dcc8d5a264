// The PCs a schedule touches, as they are when its run begins.
import { isOnline } from "#lib/model/node.ts";
import type { ScheduleTarget } from "#lib/model/schedule.ts";
import { database } from "./client.ts";

export async function nodesInTurn(
  target: ScheduleTarget,
  nowMs: number,
): Promise<{ readonly id: string; readonly name: string; readonly online: boolean }[]> {
  if (target.kind === "repository") return [];
  const rows = await database().node.findMany({
    where: {
      lifeCycle: "enrolled",
      ...(target.kind === "classroom" ? { groupId: target.groupId } : { id: { in: [...target.nodeIds] } }),
    },
    select: { id: true, name: true, lastSeenAt: true },
  });
  return rows.map(({ id, name, lastSeenAt }) => {
    return { id, name, online: isOnline(lastSeenAt?.getTime() ?? null, nowMs) };
  });
}

/** The classrooms of these PCs, null among them for PCs of none. */
export async function groupIdsOfNodes(nodeIds: readonly string[]): Promise<(string | null)[]> {
  const rows = await database().node.findMany({
    where: { id: { in: [...nodeIds] } },
    select: { groupId: true },
    distinct: ["groupId"],
  });
  return rows.length === 0 ? [null] : rows.map(({ groupId }) => groupId);
}

export async function namesOfNodes(nodeIds: readonly string[]): Promise<string[]> {
  const rows = await database().node.findMany({
    where: { id: { in: [...nodeIds] } },
    select: { name: true },
    orderBy: { name: "asc" },
  });
  return rows.map(({ name }) => name);
}
