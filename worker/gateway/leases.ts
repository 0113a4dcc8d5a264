// Which agent works on which task right now, in this worker's memory. Requests that carry pages are checked against it and not
// against the database, since there are dozens a second; heartbeats and results always ask the database, which is the truth.

import type { ImageReader } from "#lib/engine/repository.ts";
import { CodedError } from "#lib/model/errors.ts";
import type { TaskMessage } from "#lib/protocol/control.ts";
import type { LocalizedImage } from "../localize/served-image.ts";
import type { LeasedTask } from "./store.ts";

export interface Lease {
  readonly leaseId: string;
  readonly nodeId: string;
  /** Whose key it was given to. */
  readonly keyHash: string;
  readonly task: LeasedTask;
  readonly message: TaskMessage;
  readonly startedMs: number;
  /** Aborted when the lease ends, so that what still streams for it stops. */
  readonly ended: AbortController;
  /** A restore's open images, by their number. */
  readonly readers: Map<number, Promise<ImageReader>>;
  /** Of a localize task: the images that are this PC's own, by name. */
  readonly localized: ReadonlyMap<string, LocalizedImage>;
  lastHeardMs: number;
  /** In a chain: what was noted for people last. */
  chainNote?: { readonly place: string; readonly at: number };
}

/** Tasks running at once. An archive holds 32 bytes per page in memory, 64 MB for a PC of 512 GB: two hundred PCs at once would
 *  take the server's memory and gain nothing, since its network and disks are busy with far fewer. The others wait their turn. */
export const LEASES_MAX = 64;

export class Leases {
  readonly #byTask = new Map<string, Lease>();
  #reserved = 0;

  /** Keeps a place for a lease that is being made; false when all are taken. Give it back with `unreserve` in any case. */
  reserve(): boolean {
    let counted = this.#reserved;
    // A chain's PCs take their pages from each other, and all of them have to run for it.
    for (const { message } of this.#byTask.values()) {
      if (message.kind === "archive" || message.chain === undefined) counted += 1;
    }
    if (counted >= LEASES_MAX) return false;
    this.#reserved += 1;
    return true;
  }

  unreserve(): void {
    this.#reserved -= 1;
  }

  add(lease: Lease): void {
    this.end(lease.task.taskId);
    this.#byTask.set(lease.task.taskId, lease);
  }

  has(taskId: string): boolean {
    return this.#byTask.has(taskId);
  }

  /** The lease this request speaks for; "agent-lost" when it is not, or no longer, the task's. */
  require(taskId: string, leaseId: string | undefined, keyHash: string): Lease {
    const lease = this.#byTask.get(taskId);
    if (lease === undefined || lease.leaseId !== leaseId || lease.keyHash !== keyHash)
      throw leaseLost(taskId);
    lease.lastHeardMs = Date.now();
    return lease;
  }

  ofNode(nodeId: string): Lease | null {
    for (const lease of this.#byTask.values()) if (lease.nodeId === nodeId) return lease;
    return null;
  }

  end(taskId: string): void {
    const lease = this.#byTask.get(taskId);
    if (lease === undefined) return;
    lease.ended.abort(leaseLost(taskId));
    this.#byTask.delete(taskId);
    for (const image of lease.localized.values()) image.close();
    // An open reader keeps its snapshot from being pruned. One that never opened holds nothing.
    for (const reader of lease.readers.values()) {
      void reader.then(
        (opened) => opened.close(),
        () => undefined,
      );
    }
  }

  silentFor(silentMs: number): Lease[] {
    const before = Date.now() - silentMs;
    return [...this.#byTask.values()].filter((lease) => lease.lastHeardMs < before);
  }

  endAll(): void {
    for (const taskId of [...this.#byTask.keys()]) this.end(taskId);
  }
}

export function leaseLost(taskId: string): CodedError {
  return new CodedError("agent-lost", `The lease of task ${taskId} has ended.`, {
    hint: "Stop working on it and ask for a task anew.",
  });
}
