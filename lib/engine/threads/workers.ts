// Workers do the engine's arithmetic: scanning pages, encoding segments, assembling pages, in threads or in the caller's own.
//
// Memory is shared, so a task's message is a few numbers. What waits and how much memory is in flight is bounded by
// whoever submits (image-archiver.ts, block-store.ts, page-reader.ts); here a task is only given to the least busy thread.
import { Worker } from "node:worker_threads";
import type { Compression } from "#lib/model/compression.ts";
import { CodedError } from "#lib/model/errors.ts";
import { FormatError } from "../format/bytes.ts";
import type { PackIdentity, SegmentClaim } from "../format/pack-format.ts";
import { decodeBlocks, type EncodedSegment, encodeSegment, type Sealing } from "../format/segment-codec.ts";
import { targetError } from "../target-errors.ts";
import { checkPackInSteps } from "../verify/check-pack.ts";
import { type Assembled, type AssembleTask, assemble } from "./assemble.ts";
import { allocateScanMemory, type ScanMemory, type ScanTask, ScanViews, scanBatch } from "./scan.ts";
import type { TargetProblem } from "./write-pages.ts";

export type ThreadTask =
  | {
      readonly kind: "scan";
      readonly memory: ScanMemory;
      readonly task: ScanTask;
      readonly read: SourceRead | null;
    }
  | {
      readonly kind: "encode";
      readonly raw: SharedArrayBuffer;
      readonly rawBytes: number;
      readonly compression: Compression;
      readonly sealing: Sealing | null;
    }
  | {
      readonly kind: "decode";
      readonly segment: SegmentClaim;
      readonly pack: PackIdentity;
      readonly bytes: Uint8Array;
    }
  | { readonly kind: "assemble"; readonly task: AssembleTask }
  | {
      readonly kind: "check-pack";
      /** Tells one check from another; all its pieces go to one thread. */
      readonly check: number;
      /** With the first piece. */
      readonly begin: {
        readonly name: string;
        readonly pack: PackIdentity;
        readonly bytes: Uint8Array;
      } | null;
      /** Nobody wants to know any more: forget it. */
      readonly isGivenUp: boolean;
    };

/** Bytes for a scan that the thread reads by itself. */
export interface SourceRead {
  /** Opened by the caller, who keeps it open: descriptors belong to the whole process. */
  readonly descriptor: number;
  /** For messages. */
  readonly path: string;
  readonly offsetBytes: number;
}

export interface ThreadRequest {
  readonly number: number;
  readonly task: ThreadTask;
}

/** What a task gives, or why it failed: told apart so that the caller can throw what fits. */
export interface ThreadAnswer {
  readonly number: number;
  /** The payload lies at the beginning of the raw bytes' memory. */
  readonly encoded?: {
    readonly codec: number;
    readonly payloadBytes: number;
    readonly payloadHash: Uint8Array;
  };
  readonly decoded?: Uint8Array;
  readonly assembled?: Assembled;
  /** Of a pack; missing while there is more to check. */
  readonly problem?: string | null;
  readonly failure?: ThreadFailure;
}

export interface ThreadFailure {
  readonly message: string;
  readonly kind: ThreadFailureKind;
  /** Of a target that could not be written to. */
  readonly target?: {
    readonly problem: TargetProblem;
    readonly path: string;
    readonly offsetBytes: number;
  };
}

export type ThreadFailureKind = "bug" | "format" | "source-read-failed" | "source-changed-size";

/** Memory of one batch with its views, taken and given back. */
export interface ScanBuffer {
  readonly memory: ScanMemory;
  readonly views: ScanViews;
}

export interface Workers {
  readonly threadCount: number;
  /** Scans what lies in the buffer, or what `read` names, which only threads can. */
  scan(buffer: ScanBuffer, task: ScanTask, read: SourceRead | null): Promise<void>;
  /** The payload may lie in the memory of `raw`, which is overwritten then. Sealed, it may need SEAL_BYTES more than the raw
   *  bytes. */
  encode(
    raw: SharedArrayBuffer,
    rawBytes: number,
    compression: Compression,
    sealing: Sealing | null,
  ): Promise<EncodedSegment>;
  /** Blocks of a frame as it lies in a pack, checked and decoded. `bytes` must not be used afterwards. FormatError. */
  decode(segment: SegmentClaim, pack: PackIdentity, bytes: Uint8Array): Promise<Uint8Array>;
  assemble(task: AssembleTask): Promise<Assembled>;
  /** What is wrong with a whole pack, or null. `bytes` must not be used afterwards. Done in pieces of some milliseconds;
   *  `turn` is asked between two of them, and may throw to give it up. */
  checkPack(
    name: string,
    pack: PackIdentity,
    bytes: Uint8Array,
    turn?: () => Promise<void>,
  ): Promise<string | null>;
  close(): Promise<void>;
}

export function newScanBuffer(blockSize: number): ScanBuffer {
  const memory = allocateScanMemory(blockSize);
  return { memory, views: new ScanViews(memory, blockSize) };
}

export function startWorkers(threadCount: number): Workers {
  return threadCount === 0 ? callersThread : new ThreadPool(threadCount);
}

const callersThread: Workers = {
  threadCount: 0,
  async scan(buffer, task) {
    scanBatch(buffer.views, task);
  },
  async encode(raw, rawBytes, compression, sealing) {
    return encodeSegment(new Uint8Array(raw, 0, rawBytes), compression, sealing);
  },
  async decode(segment, pack, bytes) {
    return decodeBlocks(pack, segment, bytes);
  },
  async assemble(task) {
    return assemble(task);
  },
  async checkPack(name, pack, bytes, turn) {
    const steps = checkPackInSteps(name, bytes, pack);
    for (let step = steps.next(); ; step = steps.next()) {
      if (step.done === true) return step.value;
      await turn?.();
    }
  },
  async close() {
    // Nothing was started.
  },
};

type CheckPackTask = Extract<ThreadTask, { kind: "check-pack" }>;

interface Pending {
  readonly resolve: (answer: ThreadAnswer) => void;
  readonly reject: (error: unknown) => void;
}

interface Thread {
  readonly worker: Worker;
  /** It has answered once. */
  proven: boolean;
  readonly pending: Map<number, Pending>;
}

class ThreadPool implements Workers {
  readonly threadCount: number;
  readonly #threads: Thread[];
  #nextNumber = 1;
  #closed = false;

  constructor(threadCount: number) {
    this.threadCount = threadCount;
    this.#threads = Array.from({ length: threadCount }, () => this.#startThread());
  }

  async scan(buffer: ScanBuffer, task: ScanTask, read: SourceRead | null): Promise<void> {
    await this.#run({ kind: "scan", memory: buffer.memory, task, read });
  }

  async encode(
    raw: SharedArrayBuffer,
    rawBytes: number,
    compression: Compression,
    sealing: Sealing | null,
  ): Promise<EncodedSegment> {
    const { encoded } = await this.#run({ kind: "encode", raw, rawBytes, compression, sealing });
    if (encoded === undefined) throw new Error("Bug: an encode task without an answer");
    const { codec, payloadBytes, payloadHash } = encoded;
    return { codec, payload: new Uint8Array(raw, 0, payloadBytes), payloadHash };
  }

  async decode(segment: SegmentClaim, pack: PackIdentity, bytes: Uint8Array): Promise<Uint8Array> {
    const { decoded } = await this.#run({ kind: "decode", segment: claimOnly(segment), pack, bytes }, bytes);
    if (decoded === undefined) throw new Error("Bug: a decode task without an answer");
    return decoded;
  }

  async assemble(task: AssembleTask): Promise<Assembled> {
    const { assembled } = await this.#run({ kind: "assemble", task });
    if (assembled === undefined) throw new Error("Bug: an assemble task without an answer");
    return assembled;
  }

  async checkPack(
    name: string,
    pack: PackIdentity,
    bytes: Uint8Array,
    turn?: () => Promise<void>,
  ): Promise<string | null> {
    const thread = this.#leastBusy();
    const check = this.#nextNumber++;
    const piece = (begin: CheckPackTask["begin"], isGivenUp = false) =>
      this.#runIn(thread, { kind: "check-pack", check, begin, isGivenUp }, begin?.bytes);
    let { problem } = await piece({ name, pack, bytes });
    while (problem === undefined) {
      try {
        await turn?.();
      } catch (error) {
        await piece(null, true);
        throw error;
      }
      ({ problem } = await piece(null));
    }
    return problem;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#threads.map((thread) => thread.worker.terminate()));
  }

  #startThread(): Thread {
    const worker = new Worker(new URL("./thread.ts", import.meta.url));
    const thread: Thread = { worker, proven: false, pending: new Map() };
    worker.on("message", (answer: ThreadAnswer) => settle(thread, answer));
    worker.on("error", (error) => this.#lose(thread, error));
    worker.on("exit", () => this.#lose(thread, new Error("an engine thread ended")));
    worker.unref(); // A forgotten repository must not keep the process alive; open tasks do, by their storage calls.
    return thread;
  }

  /** A thread that died takes its tasks with it; they fail by name, and another takes its place. One that never
   *  worked would die again, for ever. */
  #lose(thread: Thread, cause: unknown): void {
    for (const pending of thread.pending.values()) pending.reject(cause);
    thread.pending.clear();
    const at = this.#threads.indexOf(thread);
    if (at < 0 || this.#closed) return;
    if (thread.proven) this.#threads[at] = this.#startThread();
    else this.#threads.splice(at, 1);
  }

  #leastBusy(): Thread {
    let least = this.#threads[0];
    for (const thread of this.#threads) if (least && thread.pending.size < least.pending.size) least = thread;
    if (least === undefined) throw new Error("The engine's threads cannot be started; see the first error.");
    return least;
  }

  #run(task: ThreadTask, moved?: Uint8Array): Promise<ThreadAnswer> {
    return this.#runIn(this.#leastBusy(), task, moved);
  }

  async #runIn(thread: Thread, task: ThreadTask, moved?: Uint8Array): Promise<ThreadAnswer> {
    if (this.#closed)
      throw new CodedError("repository-closed", "The repository was closed while it was working.");
    if (!this.#threads.includes(thread)) throw new Error("an engine thread ended in the middle of a check");
    const number = this.#nextNumber++;
    const answer = await new Promise<ThreadAnswer>((resolve, reject) => {
      thread.pending.set(number, { resolve, reject });
      // While work is under way the process must not end under it.
      thread.worker.ref();
      thread.worker.postMessage(
        { number, task } satisfies ThreadRequest,
        moved === undefined ? [] : [moved.buffer as ArrayBuffer],
      );
    });
    if (answer.failure === undefined) return answer;
    throw errorOf(answer.failure);
  }
}

function errorOf({ kind, message, target }: ThreadFailure): Error {
  if (target !== undefined) {
    return targetError(target.problem, target.path, target.offsetBytes, new Error(message));
  }
  if (kind === "format") return new FormatError(message);
  if (kind === "bug") return new Error(message);
  return new CodedError(kind, message, {
    hint:
      kind === "source-read-failed"
        ? "Check the disk and its cable, then archive again. Nothing was committed."
        : "Archive a partition while nothing changes it. Nothing was committed.",
    retry: "later",
  });
}

/** Only the plain numbers: a row of the segment table would copy more. */
function claimOnly(segment: SegmentClaim): SegmentClaim {
  const { codec, firstId, count, rawBytes, encodedBytes, rawStart, isShared } = segment;
  return { codec, firstId, count, rawBytes, encodedBytes, rawStart, isShared };
}

function settle(thread: Thread, answer: ThreadAnswer): void {
  thread.proven = true;
  const pending = thread.pending.get(answer.number);
  thread.pending.delete(answer.number);
  if (thread.pending.size === 0) thread.worker.unref();
  pending?.resolve(answer);
}
