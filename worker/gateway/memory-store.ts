// The gateway's store for tests: rows in maps, with the same answers as lib/db gives. A task is a job of its own unless it is told another.
import { type BandwidthRules, UNLIMITED } from "#lib/model/bandwidth.ts";
import type { FailureReport, RetryAdvice } from "#lib/model/errors.ts";
import type { DiskMap } from "#lib/model/fit.ts";
import type { DiskInfo, NodeLifeCycle } from "#lib/model/node.ts";
import type { SnapshotRecord } from "#lib/model/snapshot.ts";
import type { LocalizationWork } from "../localize/localize-images.ts";
import type { Enrolment, GatewayStore, LeasedTask, Verdict } from "./store.ts";

interface NodeRow {
  id: string;
  name: string;
  keyHash: string;
  lifeCycle: NodeLifeCycle;
  disks: readonly DiskInfo[];
}

export interface TaskRow {
  readonly taskId: string;
  readonly jobId: string;
  readonly nodeId: string;
  readonly kind: "archive" | "restore" | "localize";
  readonly snapshotId: string | null;
  readonly diskMap: DiskMap | null;
  replacesLayout: boolean;
  localizationId: string | null;
  state: "ready" | "running" | "succeeded" | "failed" | "cancelled";
  leaseId: string | null;
  attempt: number;
  cancelAsked: boolean;
  report: object | null;
  failure: FailureReport | null;
}

export class MemoryStore implements GatewayStore {
  readonly nodes = new Map<string, NodeRow>();
  readonly tasks = new Map<string, TaskRow>();
  readonly snapshots: SnapshotRecord[] = [];
  /** By the localization's id. */
  readonly localizations = new Map<string, LocalizationWork>();
  readonly chainPlaces = new Map<string, { readonly rank: number; readonly above: string | null }>();
  readonly enrolmentKey = "let me in";
  readonly #watchers = new Set<(nodeId: string) => void>();
  readonly #ended = new Map<string, () => void>();
  #nextId = 1;

  /** A ready task, and a promise of its end. */
  addTask(
    nodeId: string,
    kind: TaskRow["kind"],
    snapshotId: string | null = null,
    diskMap: DiskMap | null = null,
    jobId: string | null = null,
    localizationId: string | null = null,
  ): { row: TaskRow; end: Promise<TaskRow> } {
    const taskId = `task_${this.#nextId++}`;
    const row: TaskRow = {
      taskId,
      jobId: jobId ?? `job_of_${taskId}`,
      nodeId,
      kind,
      snapshotId,
      diskMap,
      replacesLayout: false,
      localizationId,
      state: "ready",
      leaseId: null,
      attempt: 0,
      cancelAsked: false,
      report: null,
      failure: null,
    };
    this.tasks.set(taskId, row);
    const end = new Promise<TaskRow>((resolve) => this.#ended.set(row.taskId, () => resolve(row)));
    for (const watcher of this.#watchers) watcher(nodeId);
    return { row, end };
  }

  async findNodeByKeyHash(keyHash: string): Promise<NodeRow | null> {
    return [...this.nodes.values()].find((node) => node.keyHash === keyHash) ?? null;
  }

  async enrolNode(enrolment: Enrolment) {
    let node = await this.findNodeByKeyHash(enrolment.keyHash);
    if (node === null) {
      const id = `node_${this.#nextId++}`;
      node = {
        id,
        name: enrolment.proposedName,
        keyHash: enrolment.keyHash,
        lifeCycle: "pending",
        disks: [],
      };
      this.nodes.set(id, node);
    }
    if (enrolment.enrolmentKey === this.enrolmentKey) node.lifeCycle = "enrolled";
    return { nodeId: node.id, name: node.name, lifeCycle: node.lifeCycle };
  }

  async recordHello(nodeId: string, hello: { readonly disks: readonly DiskInfo[] }): Promise<void> {
    const node = this.nodes.get(nodeId);
    if (node !== undefined) node.disks = hello.disks;
  }

  async touchNode(): Promise<void> {
    // Nothing in memory depends on when a node was last heard.
  }

  async leaseTask(nodeId: string, leaseId: string): Promise<LeasedTask | null> {
    const mine = [...this.tasks.values()].filter((task) => task.nodeId === nodeId);
    const row = mine.some((task) => task.state === "running")
      ? undefined
      : mine.find((task) => task.state === "ready");
    const node = this.nodes.get(nodeId);
    if (row === undefined || node === undefined) return null;
    row.state = "running";
    row.leaseId = leaseId;
    row.attempt += 1;
    return this.#describe(row);
  }

  #describe(row: TaskRow): LeasedTask {
    const node = this.nodes.get(row.nodeId);
    return {
      taskId: row.taskId,
      jobId: row.jobId,
      kind: row.kind,
      snapshotId: row.snapshotId,
      nodeName: node?.name ?? row.nodeId,
      attempt: row.attempt,
      purpose: "manual",
      storage: {},
      comment: "",
      disks: node?.disks ?? [],
      diskMap: row.diskMap,
      replacesLayout: row.replacesLayout,
      localizationId: row.localizationId,
      writtenFrom: row.kind === "archive" ? this.#writtenTo(row.nodeId) : null,
      peers: this.#peersOf(row),
    };
  }

  async noteChainPlace(taskId: string, _leaseId: string, place: { rank: number; above: string | null }) {
    this.chainPlaces.set(taskId, place);
  }

  async findLeased(taskId: string, leaseId: string) {
    const row = this.tasks.get(taskId);
    if (row === undefined || row.leaseId !== leaseId || row.state !== "running") return null;
    return { ...this.#describe(row), nodeId: row.nodeId };
  }

  #writtenTo(nodeId: string): string | null {
    const written = [...this.tasks.values()].findLast(
      (task) => task.nodeId === nodeId && task.kind !== "archive" && task.state === "succeeded",
    );
    return written?.snapshotId ?? null;
  }

  async findLocalization(localizationId: string): Promise<LocalizationWork | null> {
    return this.localizations.get(localizationId) ?? null;
  }

  #peersOf({ jobId, snapshotId, kind }: TaskRow): string[] {
    if (snapshotId === null || kind !== "restore") return [];
    const peers = [...this.tasks.values()].filter(
      (task) =>
        task.jobId === jobId &&
        task.snapshotId === snapshotId &&
        task.kind === "restore" &&
        (task.state === "ready" || task.state === "running"),
    );
    return peers.map(({ nodeId }) => nodeId);
  }

  async runningTaskOfNode(nodeId: string) {
    const row = [...this.tasks.values()].find((task) => task.nodeId === nodeId && task.state === "running");
    return row === undefined || row.leaseId === null ? null : { taskId: row.taskId, leaseId: row.leaseId };
  }

  async heartbeatTask(taskId: string, leaseId: string): Promise<"continue" | "cancel" | "lost"> {
    const row = this.#running(taskId, leaseId);
    if (row === null) return "lost";
    return row.cancelAsked ? "cancel" : "continue";
  }

  async finishTask(taskId: string, leaseId: string, report: object): Promise<Verdict> {
    return this.#end(taskId, leaseId, { state: "succeeded", report });
  }

  async failTask(
    taskId: string,
    leaseId: string,
    failure: FailureReport,
    retry: RetryAdvice,
  ): Promise<Verdict> {
    const row = this.#running(taskId, leaseId);
    if (row !== null && retry === "later" && row.attempt < 3) {
      row.state = "ready";
      row.failure = failure;
      return "done";
    }
    return this.#end(taskId, leaseId, { state: "failed", failure });
  }

  async cancelTask(taskId: string, leaseId: string): Promise<Verdict> {
    return this.#end(taskId, leaseId, { state: "cancelled" });
  }

  async loseAgent(taskId: string, leaseId: string): Promise<Verdict> {
    const row = this.#running(taskId, leaseId);
    if (row === null) return "lost";
    row.state = "ready";
    row.leaseId = null;
    return "done";
  }

  async addTaskEvent(): Promise<void> {
    // Events are for people; tests look at states.
  }

  async recordSnapshot(record: SnapshotRecord): Promise<void> {
    if (!this.snapshots.some((known) => known.id === record.id)) this.snapshots.push(record);
  }

  bandwidth: BandwidthRules = UNLIMITED;

  async bandwidthRules(): Promise<BandwidthRules> {
    return this.bandwidth;
  }

  async subscribeTasks(onNode: (nodeId: string) => void): Promise<() => Promise<void>> {
    this.#watchers.add(onNode);
    return async () => {
      this.#watchers.delete(onNode);
    };
  }

  #running(taskId: string, leaseId: string): TaskRow | null {
    const row = this.tasks.get(taskId);
    return row?.state === "running" && row.leaseId === leaseId ? row : null;
  }

  #end(taskId: string, leaseId: string, change: Partial<TaskRow>): Verdict {
    const row = this.#running(taskId, leaseId);
    if (row === null) return "lost";
    Object.assign(row, change);
    this.#ended.get(taskId)?.();
    return "done";
  }
}
