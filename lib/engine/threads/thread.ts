// One engine thread: takes a task, does it, answers. It keeps no state; see workers.ts.
import { readSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import { PAGE_BYTES } from "#lib/page/page.ts";
import { FormatError } from "../format/bytes.ts";
import { decodeBlocks, encodeSegment } from "../format/segment-codec.ts";
import { freeMemory } from "../free-memory.ts";
import { checkPackInSteps } from "../verify/check-pack.ts";
import { assemble } from "./assemble.ts";
import { type ScanMemory, type ScanTask, ScanViews, scanBatch } from "./scan.ts";
import type { SourceRead, ThreadAnswer, ThreadFailureKind, ThreadRequest, ThreadTask } from "./workers.ts";
import { TargetFailure } from "./write-pages.ts";

type EncodeTask = Extract<ThreadTask, { kind: "encode" }>;
type DecodeTask = Extract<ThreadTask, { kind: "decode" }>;
type CheckPackTask = Extract<ThreadTask, { kind: "check-pack" }>;
type Outcome = Omit<ThreadAnswer, "number">;

class SourceFailure extends Error {
  readonly kind: ThreadFailureKind;
  constructor(kind: ThreadFailureKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

parentPort?.on("message", (request: ThreadRequest) => {
  const outcome = outcomeOf(request.task);
  const result = outcome.decoded;
  const moved = result !== undefined && isMovable(result.buffer) ? [result.buffer] : [];
  parentPort?.postMessage({ number: request.number, ...outcome }, moved);
});

/** Results are moved, not copied, unless they lie in Node's pool of small buffers. */
function isMovable(buffer: ArrayBufferLike): buffer is ArrayBuffer {
  return buffer instanceof ArrayBuffer && buffer.byteLength !== Buffer.poolSize;
}

function outcomeOf(task: ThreadTask): Outcome {
  try {
    return workOn(task);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const target = error instanceof TargetFailure ? targetFailureOf(task, error) : undefined;
    return { failure: { message, kind: failureKindOf(error), target } };
  }
}

function targetFailureOf(task: ThreadTask, { problem, offsetBytes }: TargetFailure) {
  const path = task.kind === "assemble" ? (task.task.writes?.path ?? "") : "";
  return { problem, path, offsetBytes };
}

function failureKindOf(error: unknown): ThreadFailureKind {
  if (error instanceof SourceFailure) return error.kind;
  return error instanceof FormatError ? "format" : "bug";
}

function workOn(task: ThreadTask): Outcome {
  switch (task.kind) {
    case "scan":
      scan(task.memory, task.task, task.read);
      return {};
    case "encode":
      return { encoded: encode(task) };
    case "decode":
      return { decoded: decode(task) };
    case "assemble":
      return { assembled: assemble(task.task) };
    case "check-pack":
      return { problem: checkPiece(task) };
  }
}

/** The payload goes back into the memory the raw bytes came in: a buffer handed over for each segment costs the caller's
 *  garbage collector more than the copy. Compressed it is never longer than the raw bytes; sealed, there is room. */
function encode(task: EncodeTask): NonNullable<ThreadAnswer["encoded"]> {
  const raw = new Uint8Array(task.raw, 0, task.rawBytes);
  const { codec, payload, payloadHash } = encodeSegment(raw, task.compression, task.sealing);
  const payloadBytes = payload.length;
  if (payload !== raw) {
    new Uint8Array(task.raw).set(payload);
    freeMemory(payload);
  }
  return { codec, payloadBytes, payloadHash };
}

function decode({ pack, segment, bytes }: DecodeTask): Uint8Array {
  const blocks = decodeBlocks(pack, segment, bytes);
  if (blocks.buffer !== bytes.buffer) freeMemory(bytes);
  return blocks;
}

/** Packs that are being checked, by the number of the check. */
const checks = new Map<
  number,
  { readonly bytes: Uint8Array; readonly steps: Generator<void, string | null> }
>();
/** Other tasks wait for no longer than this, and a step. */
const CHECK_PIECE_MS = 8;

/** Undefined as long as there is more to check. */
function checkPiece({ check, begin, isGivenUp }: CheckPackTask): string | null | undefined {
  if (begin !== null) {
    const { name, bytes, pack } = begin;
    checks.set(check, { bytes, steps: checkPackInSteps(name, bytes, pack) });
  }
  const open = checks.get(check);
  if (open === undefined) throw new Error(`Bug: no check ${check} in this thread`);
  const untilMs = performance.now() + CHECK_PIECE_MS;
  while (!isGivenUp) {
    const step = open.steps.next();
    if (step.done === true) {
      endCheck(check, open.bytes);
      return step.value;
    }
    if (performance.now() >= untilMs) return undefined;
  }
  endCheck(check, open.bytes);
  return null;
}

function endCheck(check: number, bytes: Uint8Array): void {
  checks.delete(check);
  freeMemory(bytes);
}

/** Pages are read into here one by one. It stays in the processor's own cache, while a batch does not: reading and hashing
 *  what is not kept takes a third less time. */
const pageMemory = new Uint8Array(PAGE_BYTES);

function scan(memory: ScanMemory, task: ScanTask, read: SourceRead | null): void {
  const views = new ScanViews(memory, task.blockSize);
  const pageOf = (from: SourceRead) => (at: number, byteCount: number) => {
    const page = pageMemory.subarray(0, byteCount);
    readSource(from, from.offsetBytes + at, page);
    return page;
  };
  scanBatch(views, task, read === null ? null : pageOf(read));
}

function readSource(read: SourceRead, offsetBytes: number, into: Uint8Array): void {
  let done = 0;
  while (done < into.length) {
    const count = readSome(read, offsetBytes + done, into.subarray(done));
    if (count === 0) {
      throw new SourceFailure(
        "source-changed-size",
        `${read.path} ends at byte ${offsetBytes + done}, earlier than at the start.`,
      );
    }
    done += count;
  }
}

function readSome(read: SourceRead, at: number, into: Uint8Array): number {
  try {
    return readSync(read.descriptor, into, 0, into.length, at);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SourceFailure("source-read-failed", `${read.path} cannot be read near byte ${at}: ${reason}.`);
  }
}
