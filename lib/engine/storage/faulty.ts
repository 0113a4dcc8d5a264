// faultyStorage stands between the engine and a storage and lets it fail as disks and processes fail.
//
// It counts calls. The n-th can fail before or after it took effect, or halfway ("torn"); it can then act as if
// the process had died there (every later call fails too, and `onCrash` tells the storage beneath that the power
// is gone) or go on. From the n-th write on the disk can be full, until `free`. A read can deliver a wrong bit.
// Without a plan it is transparent. What a test opens next is the inner storage: the surviving state.
import { CodedError } from "#lib/model/errors.ts";
import { checkFileName, storageFullError } from "./file-name.ts";
import type { FileWriter, Storage, StoredFile } from "./storage.ts";

export type FailWhen = "before" | "after" | "torn";
export const FAIL_WHENS = ["before", "after", "torn"] as const satisfies readonly FailWhen[];

export interface FaultPlan {
  /** Which call fails, counted from 1 over all calls of all writers; discard and close do not count. */
  readonly failCall?: number;
  readonly failWhen?: FailWhen;
  /** What the failed call means: the process is gone, or only that call failed (the default). */
  readonly afterwards?: "crash" | "go-on";
  /** From this write on (append, seal, createExclusive, createFile; counted from 1) the disk is full. */
  readonly fullFromWrite?: number;
  /** This call, when it is a read, delivers one flipped bit: a cable, not the disk, is bad. */
  readonly flipCall?: number;
  /** Decides where torn writes tear; default always in the middle. */
  readonly random?: () => number;
  readonly onCrash?: () => void;
}

export interface FaultyStorage extends Storage {
  readonly callCount: number;
  readonly writeCount: number;
  readonly crashed: boolean;
  /** One plan replaces the other; calls and writes are counted from 1 again. */
  replan(plan: FaultPlan): void;
  /** The process dies now, between two calls. */
  crash(): void;
  /** No space from now on. */
  fill(): void;
  free(): void;
}

type CallKind = "read" | "write" | "other";

interface Call<Result> {
  readonly kind: CallKind;
  readonly what: string;
  readonly run: () => Promise<Result>;
  /** What a torn call leaves behind; by default all or nothing, by chance. */
  readonly tear?: (share: number) => Promise<unknown>;
  /** What a full disk still does: some of an append. */
  readonly whenFull?: (share: number) => Promise<unknown>;
  readonly flip?: (result: Result) => void;
}

export function faultyStorage(inner: Storage, plan: FaultPlan = {}): FaultyStorage {
  return new Faulty(inner, plan);
}

class Faulty implements FaultyStorage {
  readonly description: string;
  readonly #inner: Storage;
  #plan: FaultPlan;
  #full = false;
  callCount = 0;
  writeCount = 0;
  crashed = false;

  constructor(inner: Storage, plan: FaultPlan) {
    this.#inner = inner;
    this.#plan = plan;
    this.description = inner.description;
  }

  replan(plan: FaultPlan): void {
    this.#plan = plan;
    this.callCount = 0;
    this.writeCount = 0;
  }

  crash(): void {
    if (this.crashed) return;
    this.crashed = true;
    this.#plan.onCrash?.();
  }

  fill(): void {
    this.#full = true;
  }

  free(): void {
    this.#full = false;
    this.#plan = { ...this.#plan, fullFromWrite: undefined };
  }

  list(folder: string): Promise<StoredFile[]> {
    return this.#call({ kind: "other", what: `list ${folder}`, run: () => this.#inner.list(folder) });
  }

  readFile(name: string): Promise<Uint8Array | null> {
    return this.#call({
      kind: "read",
      what: `readFile ${name}`,
      run: () => this.#inner.readFile(name),
      flip: (bytes) => bytes !== null && this.#flipBit(bytes),
    });
  }

  readAt(name: string, offsetBytes: number, into: Uint8Array): Promise<void> {
    return this.#call({
      kind: "read",
      what: `readAt ${name}`,
      run: () => this.#inner.readAt(name, offsetBytes, into),
      flip: () => this.#flipBit(into),
    });
  }

  size(name: string): Promise<number | null> {
    return this.#call({ kind: "other", what: `size ${name}`, run: () => this.#inner.size(name) });
  }

  async createFile(): Promise<FileWriter> {
    const writer = await this.#call({
      kind: "write",
      what: "createFile",
      run: () => this.#inner.createFile(),
    });
    return {
      append: (bytes) => this.#append(writer, bytes),
      seal: (name) => this.#call({ kind: "write", what: `seal ${name}`, run: () => writer.seal(name) }),
      // A process that is gone discards nothing.
      discard: async () => {
        if (!this.crashed) await writer.discard();
      },
    };
  }

  #append(writer: FileWriter, bytes: Uint8Array): Promise<void> {
    const some = (share: number) => writer.append(bytes.subarray(0, Math.floor(share * bytes.length)));
    return this.#call({
      kind: "write",
      what: "append",
      run: () => writer.append(bytes),
      tear: some,
      whenFull: some,
    });
  }

  /** Through our own writer, so that each of its steps can fail. */
  async writeFile(name: string, bytes: Uint8Array): Promise<void> {
    checkFileName(name);
    const writer = await this.createFile();
    try {
      await writer.append(bytes);
      await writer.seal(name);
    } catch (error) {
      await writer.discard();
      throw error;
    }
  }

  createExclusive(name: string, bytes: Uint8Array): Promise<boolean> {
    return this.#call({
      kind: "write",
      what: `createExclusive ${name}`,
      run: () => this.#inner.createExclusive(name, bytes),
    });
  }

  remove(name: string): Promise<void> {
    return this.#call({ kind: "other", what: `remove ${name}`, run: () => this.#inner.remove(name) });
  }

  /** Closing the repository's storage after a "crash" must not close the disk that survives it. */
  async close(): Promise<void> {
    if (!this.crashed) await this.#inner.close();
  }

  async #call<Result>(call: Call<Result>): Promise<Result> {
    if (this.crashed) throw crashedError(call.what);
    this.callCount += 1;
    const number = this.callCount;
    if (call.kind === "write" && this.#isFullForNextWrite()) return this.#refuseFull(call);
    if (number === this.#plan.failCall) await this.#fail(call);
    const result = await call.run();
    // Another call may have crashed the process while this one was under way: its answer reaches nobody.
    if (this.crashed) throw crashedError(call.what);
    if (number === this.#plan.flipCall) call.flip?.(result);
    return result;
  }

  #isFullForNextWrite(): boolean {
    this.writeCount += 1;
    if (this.writeCount >= (this.#plan.fullFromWrite ?? Number.POSITIVE_INFINITY)) this.#full = true;
    return this.#full;
  }

  async #refuseFull<Result>(call: Call<Result>): Promise<never> {
    await call.whenFull?.(this.#random());
    throw storageFullError(this.description, new Error(`simulated ENOSPC at ${call.what}`));
  }

  async #fail<Result>(call: Call<Result>): Promise<never> {
    const when = this.#plan.failWhen ?? "before";
    if (when === "after") await call.run();
    if (when === "torn") await this.#tear(call);
    if (this.#plan.afterwards === "crash") this.crash();
    throw new CodedError("storage-failed", `Simulated failure of ${call.what} (${when} its effect).`, {
      hint: "Replay the test with the seed it printed.",
      retry: "later",
    });
  }

  async #tear<Result>(call: Call<Result>): Promise<void> {
    const share = this.#random();
    if (call.tear !== undefined) await call.tear(share);
    else if (share >= 0.5) await call.run();
  }

  #flipBit(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const position = Math.floor(this.#random() * bytes.length);
    bytes[position] = (bytes[position] ?? 0) ^ (1 << Math.floor(this.#random() * 8));
  }

  #random(): number {
    return this.#plan.random?.() ?? 0.5;
  }
}

function crashedError(what: string): CodedError {
  return new CodedError("storage-failed", `Simulated crash: ${what} comes too late, the process is gone.`, {
    hint: "Replay the test with the seed it printed.",
  });
}
