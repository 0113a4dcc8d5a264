// What every task is given: the way to the gateway, its lease, the disks, and where to say how far it is.
import type { TaskStep } from "#lib/model/job.ts";
import type { ChainTraffic } from "#lib/protocol/control.ts";
import type { RecipeResult } from "#lib/protocol/recipe.ts";
import type { GatewayClient } from "../gateway-client.ts";
import type { HashPool } from "../hash/hash-pool.ts";

export interface TaskContext {
  readonly client: GatewayClient;
  readonly pool: HashPool;
  readonly diskPaths: readonly string[];
  readonly taskId: string;
  readonly leaseId: string;
  /** Aborted when the task is cancelled, its lease lost, or the agent stops. */
  readonly signal: AbortSignal;
  readonly progress: TaskProgress;
}

/** Read by the heartbeat, written by the task. */
export class TaskProgress {
  step: TaskStep = "leased";
  doneBytes = 0;
  totalBytes = 0;
  /** Set by a restore that took part in a chain. */
  chain: ChainTraffic | null = null;
  /** Set by a restore with recipes. */
  recipes: readonly RecipeResult[] = [];
}

/** A task's requests survive a network that is away for this long; then the task fails and may be tried again later. */
export const OUTAGE_MS_MAX = 60_000;

export function imageRoute(context: TaskContext, image: number, verb: string): string {
  return `tasks/${context.taskId}/images/${image}/${verb}`;
}
