// One engine thread: takes a task, does it, answers. It keeps no state; see workers.ts.
import { readSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import { encodeSegment } from "../format/segment-codec.ts";
import { type ScanMemory, type ScanTask, ScanViews, scanBatch } from "./scan.ts";
import type { SourceRead, ThreadAnswer, ThreadRequest, ThreadTask } from "./workers.ts";

class ReadFailure extends Error {}

parentPort?.on("message", (request: ThreadRequest) => {
  parentPort?.postMessage({ number: request.number, ...answerTo(request.task) });
});

function answerTo(task: ThreadTask): Omit<ThreadAnswer, "number"> {
  try {
    if (task.kind === "encode") return { encoded: encodeSegment(new Uint8Array(task.raw, 0, task.rawBytes)) };
    scan(task.memory, task.task, task.read);
    return {};
  } catch (error) {
    const failure = error instanceof Error ? error.message : String(error);
    return { failure, readFailed: error instanceof ReadFailure };
  }
}

function scan(memory: ScanMemory, task: ScanTask, read: SourceRead | null): void {
  const views = new ScanViews(memory, task.blockSize);
  if (read !== null) readSource(read, views.pages.subarray(0, task.byteCount));
  scanBatch(views, task);
}

function readSource(read: SourceRead, into: Uint8Array): void {
  let done = 0;
  while (done < into.length) {
    const count = readSome(read, into, done);
    if (count === 0) {
      throw new ReadFailure(
        `${read.path} ends at byte ${read.offsetBytes + done}, earlier than it did at the start.`,
      );
    }
    done += count;
  }
}

function readSome(read: SourceRead, into: Uint8Array, done: number): number {
  try {
    return readSync(read.descriptor, into, done, into.length - done, read.offsetBytes + done);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ReadFailure(`${read.path} cannot be read at byte ${read.offsetBytes + done}: ${reason}`);
  }
}
