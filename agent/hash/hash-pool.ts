// A few threads that read and hash pages. SHA-256 is the agent's only heavy work: one core does about 1.5 GB/s, and an
// unchanged disk is archived exactly as fast as it is read and hashed.
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { assert } from "#lib/model/assert.ts";
import { CodedError, type FailureReport } from "#lib/model/errors.ts";
import type { Extent } from "../device/extents.ts";

// More threads would only fight for the same disk.
const THREADS_MAX = 4;

export type HashRequest =
  | {
      readonly kind: "hash";
      readonly id: number;
      readonly path: string;
      readonly extents: readonly Extent[];
      readonly firstPage: number;
      readonly count: number;
    }
  | { readonly kind: "forget"; readonly id: number };

export interface HashReply {
  readonly id: number;
  readonly hashes: Uint8Array;
  readonly failure: FailureReport | null;
}

export interface PageRange {
  readonly path: string;
  readonly extents: readonly Extent[];
  readonly firstPage: number;
  readonly count: number;
}

interface Thread {
  readonly worker: Worker;
  readonly waiting: Map<number, { resolve: (hashes: Uint8Array) => void; reject: (reason: Error) => void }>;
}

export class HashPool {
  #threads: Thread[] = [];
  #nextId = 1;
  readonly #threadCount: number;

  constructor(threadCount = Math.min(availableParallelism(), THREADS_MAX)) {
    this.#threadCount = threadCount;
  }

  /** Hashes of the range's pages as they are on the disk now, 32 bytes each. */
  hashPages(range: PageRange): Promise<Uint8Array> {
    const thread = this.#idlest();
    return this.#ask(thread, { kind: "hash", id: this.#nextId++, ...range });
  }

  /** Closes all descriptors: a disk's last reader lets go before it is opened for writing alone. */
  async forget(): Promise<void> {
    await Promise.all(
      this.#threads.map((thread) => this.#ask(thread, { kind: "forget", id: this.#nextId++ })),
    );
  }

  async close(): Promise<void> {
    const threads = this.#threads;
    this.#threads = [];
    await Promise.all(threads.map((thread) => thread.worker.terminate()));
  }

  #ask(thread: Thread, request: HashRequest): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      thread.waiting.set(request.id, { resolve, reject });
      thread.worker.postMessage(request);
    });
  }

  #idlest(): Thread {
    if (this.#threads.length < this.#threadCount) this.#threads.push(this.#start());
    const [idlest] = [...this.#threads].sort((a, b) => a.waiting.size - b.waiting.size);
    assert(idlest !== undefined, "a hash pool has at least one thread");
    return idlest;
  }

  #start(): Thread {
    const worker = new Worker(new URL("./hash-worker.ts", import.meta.url));
    const thread: Thread = { worker, waiting: new Map() };
    worker.unref();
    worker.on("message", (reply: HashReply) => settle(thread, reply));
    worker.on("error", (error: Error) => this.#lose(thread, error));
    worker.on("exit", () => this.#lose(thread, new Error("the hashing thread ended")));
    return thread;
  }

  #lose(thread: Thread, cause: Error): void {
    this.#threads = this.#threads.filter((other) => other !== thread);
    for (const { reject } of thread.waiting.values()) {
      reject(new CodedError("internal", `Hashing stopped: ${cause.message}.`, { retry: "later", cause }));
    }
    thread.waiting.clear();
  }
}

function settle(thread: Thread, reply: HashReply): void {
  const waiting = thread.waiting.get(reply.id);
  if (waiting === undefined) return; // Its task was given up meanwhile.
  thread.waiting.delete(reply.id);
  if (reply.failure === null) waiting.resolve(reply.hashes);
  else
    waiting.reject(
      new CodedError(reply.failure.code, reply.failure.message, { hint: reply.failure.hint ?? undefined }),
    );
}
