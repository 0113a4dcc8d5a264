// Judges whether a classroom is ready, from what its nodes last did. Pure, so that the overview, the list of classrooms
// and a test agree. Every node counts once, under the most pressing of what is true of it.
import { isOnline } from "#lib/model/node.ts";

export const READINESS = ["ready", "busy", "failed", "offline", "unprotected"] as const;
export type Readiness = (typeof READINESS)[number];

export interface NodeFacts {
  readonly lastSeenAt: string | null;
  readonly lastSnapshotAt: string | null;
  readonly lastTaskState: string | null;
  readonly busy: boolean;
}

export type ReadinessCounts = Readonly<Record<Readiness, number>>;

export function readinessOf(node: NodeFacts, nowMs: number): Readiness {
  if (node.busy) return "busy";
  if (node.lastTaskState === "failed") return "failed";
  // Without a snapshot there is nothing to go back to, which matters more than being switched off.
  if (node.lastSnapshotAt === null) return "unprotected";
  const lastSeenMs = node.lastSeenAt === null ? null : Date.parse(node.lastSeenAt);
  return isOnline(lastSeenMs, nowMs) ? "ready" : "offline";
}

export function countReadiness(nodes: readonly NodeFacts[], nowMs: number): ReadinessCounts {
  const counts: Record<Readiness, number> = { ready: 0, busy: 0, failed: 0, offline: 0, unprotected: 0 };
  for (const node of nodes) counts[readinessOf(node, nowMs)] += 1;
  return counts;
}
