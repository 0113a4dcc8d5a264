// What the gateway needs of the database, as a port: database-store.ts is the real one; tests pass a small one of their own,
// so that the whole wire can be tried without Postgres.

import type { LeasedTask as LeasedRow } from "#lib/db/leased-task.ts";
import type { BandwidthRules } from "#lib/model/bandwidth.ts";
import type { FailureReport, RetryAdvice } from "#lib/model/errors.ts";
import type { TaskStep } from "#lib/model/job.ts";
import type { DiskInfo, NodeLifeCycle } from "#lib/model/node.ts";
import type { SnapshotRecord } from "#lib/model/snapshot.ts";
import type { LocalizationWork } from "../localize/localize-images.ts";

export interface GatewayNode {
  readonly id: string;
  readonly name: string;
  readonly lifeCycle: NodeLifeCycle;
}

export interface Enrolment {
  readonly keyHash: string;
  readonly proposedName: string;
  readonly code: string;
  readonly macAddress?: string;
  readonly serialNumber?: string;
  readonly agentVersion: string;
  readonly enrolmentKey?: string;
}

/** As the database has it, without what the repository knows better. */
export type LeasedTask = Omit<LeasedRow, "images">;

/** "lost": the lease is no longer the task's; nothing was changed. */
export type Verdict = "done" | "lost";

export interface GatewayStore {
  findNodeByKeyHash(keyHash: string): Promise<GatewayNode | null>;
  enrolNode(
    enrolment: Enrolment,
  ): Promise<{ readonly nodeId: string; readonly name: string; readonly lifeCycle: NodeLifeCycle }>;
  recordHello(
    nodeId: string,
    hello: { readonly agentVersion: string; readonly disks: readonly DiskInfo[] },
  ): Promise<void>;
  touchNode(nodeId: string): Promise<void>;
  leaseTask(nodeId: string, leaseId: string): Promise<LeasedTask | null>;
  /** The task that this lease runs, as it was leased; null when it does not (any more). For a gateway that begins anew. */
  findLeased(taskId: string, leaseId: string): Promise<(LeasedTask & { readonly nodeId: string }) | null>;
  /** What was frozen for a localize task, and the master it is made of; null when either is gone. */
  findLocalization(localizationId: string, snapshotId: string): Promise<LocalizationWork | null>;
  runningTaskOfNode(nodeId: string): Promise<{ readonly taskId: string; readonly leaseId: string } | null>;
  heartbeatTask(
    taskId: string,
    leaseId: string,
    progress: { readonly step: TaskStep; readonly doneBytes: number; readonly totalBytes: number },
  ): Promise<"continue" | "cancel" | "lost">;
  finishTask(taskId: string, leaseId: string, report: object): Promise<Verdict>;
  failTask(taskId: string, leaseId: string, failure: FailureReport, retry: RetryAdvice): Promise<Verdict>;
  cancelTask(taskId: string, leaseId: string): Promise<Verdict>;
  loseAgent(taskId: string, leaseId: string): Promise<Verdict>;
  /** For people: where the PC stands in its chain. */
  noteChainPlace(
    taskId: string,
    leaseId: string,
    place: { readonly rank: number; readonly above: string | null },
  ): Promise<void>;
  addTaskEvent(taskId: string, step: TaskStep, message: string): Promise<void>;
  recordSnapshot(
    record: SnapshotRecord,
    context: {
      readonly repositoryId: string;
      readonly jobId: string | null;
      readonly compression?: string | null;
    },
  ): Promise<void>;
  /** Calls back with a node's id when its tasks may have changed; only a hint. Answers how to stop. */
  bandwidthRules(): Promise<BandwidthRules>;
  subscribeTasks(onNode: (nodeId: string) => void): Promise<() => Promise<void>>;
}
