// `sheepfold repo export DIR SNAPSHOT`: write an image as a file other programs understand, or to a pipe.
//
// A file appears under its name only when it is whole. Everything is streamed: no more than some windows of pages
// are in memory, however large the image is. Every page is verified on the way, as in a restore.
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import type { ImageReader, Progress } from "#lib/engine/repository.ts";
import { Qcow2Writer, virtualBytesOf } from "#lib/image/qcow2-writer.ts";
import { CodedError } from "#lib/model/errors.ts";
import { formatBytes, formatSeconds } from "#lib/model/units.ts";
import { differingRuns, PAGE_BYTES } from "#lib/page/page.ts";
import { isInside } from "./archive.ts";
import { EXIT } from "./exit-codes.ts";
import { findImage, imageEntry } from "./image-entry.ts";
import { formatOption, type ImageFormat, packerOf } from "./image-formats.ts";
import { NewFile } from "./new-file.ts";
import type { OutputOptions } from "./output.ts";
import { pagesInOrder } from "./pages-in-order.ts";
import { pathFacts } from "./path-facts.ts";
import { Refusal } from "./refusal.ts";
import { newVerb, runVerb, type VerbContext } from "./run-verb.ts";
import { reasonNotToMake } from "./target-guards.ts";
import { withRepository } from "./with-repository.ts";

interface ExportOptions extends OutputOptions {
  readonly format: ImageFormat;
  readonly partition?: string;
  readonly output: string;
}

/** Exactly what `repo export --json` prints. */
interface ExportResult {
  readonly id: string;
  readonly format: ImageFormat;
  readonly output: string;
  readonly sizeBytes: number;
  /** Of the file's bytes, those that take room on its disk (holes do not), or all that went to the pipe. */
  readonly writtenBytes: number;
  readonly seconds: number;
}

const STDOUT = "-";
/** Pages asked of the engine at a time, 1 GiB: it reads them in the order of its packs. */
const PAGES_AT_ONCE = 4096;
const ZERO_PAGE = new Uint8Array(PAGE_BYTES);

export function exportCommand(): Command {
  return newVerb("export", "Write an image as a raw or qcow2 file, or compressed, for other programs.")
    .argument("<DIR>", "folder of the repository")
    .argument("<SNAPSHOT>", "id, an unambiguous beginning of it, or id:partition")
    .addOption(formatOption())
    .option("--partition <NAME>", "which image, when the snapshot holds several")
    .option("--output <FILE>", "a file to be made, or - for stdout", STDOUT)
    .action((dir: string, reference: string, options: ExportOptions) =>
      runVerb(
        options,
        (context) => exportImage({ dir, reference, options, context }),
        "No file was left. Run the same command again when it suits.",
      ),
    );
}

interface ExportCall {
  readonly dir: string;
  readonly reference: string;
  readonly options: ExportOptions;
  readonly context: VerbContext;
}

async function exportImage(call: ExportCall) {
  const { context, options } = call;
  const path = options.output === STDOUT ? null : await checkedOutput(call.dir, options.output);
  if (path === null) checkStdout(options);
  const result = await withRepository(call.dir, "read", async (repository) => {
    const { snapshot, image } = findImage(repository, call.reference, options.partition);
    const reader = await repository.openImage(snapshot.id, image.partition);
    if (options.format === "qcow2" && virtualBytesOf(image.sizeBytes) !== image.sizeBytes)
      context.output.notice(
        "size-rounded",
        "The disk in the qcow2 file is rounded up to whole sectors of 512 bytes.",
      );
    const startedMs = performance.now();
    const writtenBytes = path === null ? await toStdout(reader, call) : await toFile(reader, path, call);
    const seconds = (performance.now() - startedMs) / 1000;
    const { id } = imageEntry(snapshot, image);
    const output = path ?? STDOUT;
    const done: ExportResult = {
      id,
      format: options.format,
      output,
      sizeBytes: image.sizeBytes,
      writtenBytes,
      seconds,
    };
    return done;
  });
  if (path === null) context.output.notice("exported", inWords(result));
  else context.output.result(result, () => inWords(result));
  return EXIT.ok;
}

async function checkedOutput(dir: string, given: string): Promise<string> {
  const facts = await pathFacts(given);
  const reason = reasonNotToMake({ ...facts, insideRepository: await isInside(dir, facts.path) });
  if (reason !== null) throw new Refusal(reason);
  return facts.path;
}

function checkStdout({ json, format }: ExportOptions): void {
  if (format === "qcow2") throw unsuitable("A qcow2 file is not written from front to back");
  if (json === true) throw unsuitable("With --json stdout holds one JSON value and nothing else");
  if (process.stdout.isTTY) throw unsuitable("stdout is a terminal, and an image is no text");
}

function unsuitable(reason: string): CodedError {
  return new CodedError("input-invalid", `${reason}.`, { hint: "Name a file with --output." });
}

// To a pipe ---------------------------------------------------------------------------------------------------

async function toStdout(reader: ImageReader, call: ExportCall): Promise<number> {
  // If the reader of the pipe leaves before the last byte, the program ends with this.
  process.exitCode = EXIT.storage;
  return streamed(reader, call, (_, bytes) => {
    return new Promise((resolve, reject) => {
      process.stdout.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  });
}

type WriteAt = (offsetBytes: number, bytes: Uint8Array) => Promise<void>;

/** All pages in order, packed as the format wants; the number of bytes that came out. */
async function streamed(reader: ImageReader, call: ExportCall, write: WriteAt): Promise<number> {
  const { format } = call.options;
  if (format === "qcow2") throw new Error("Bug: a qcow2 file is no stream.");
  let writtenBytes = 0;
  const take = async (chunks: AsyncIterable<Uint8Array>) => {
    for await (const bytes of chunks) {
      await write(writtenBytes, bytes);
      writtenBytes += bytes.length;
    }
  };
  const { signal } = call.context;
  const pages = Readable.from(bytesInOrder(reader, call), { objectMode: false, highWaterMark: PAGE_BYTES });
  const packer = packerOf(format, reader.image.sizeBytes);
  if (packer === null) await pipeline(pages, take, { signal });
  else await pipeline(pages, packer, take, { signal });
  return writtenBytes;
}

async function* bytesInOrder(reader: ImageReader, { context }: ExportCall): AsyncGenerator<Uint8Array> {
  const onProgress = context.output.beginProgress();
  for await (const { offsetBytes, bytes } of pagesInOrder(reader, context.signal)) {
    yield bytes;
    onProgress({ doneBytes: offsetBytes + bytes.length, totalBytes: reader.image.sizeBytes });
  }
}

// To a file ---------------------------------------------------------------------------------------------------

async function toFile(reader: ImageReader, path: string, call: ExportCall): Promise<number> {
  const file = await NewFile.create(path);
  try {
    if (call.options.format === "raw") await writeRaw(reader, file, call.context);
    else if (call.options.format === "qcow2") await writeQcow2(reader, file, call.context);
    else await streamed(reader, call, (offset, bytes) => file.write(offset, bytes));
    call.context.signal.throwIfAborted();
    const storedBytes = await file.storedBytes();
    await file.finish();
    return storedBytes;
  } catch (error) {
    await file.discard();
    throw error;
  }
}

/** In the order of the packs: each segment is decoded once. Zeros are left as holes. */
async function writeRaw(reader: ImageReader, file: NewFile, { signal, output }: VerbContext): Promise<void> {
  const totalBytes = reader.image.sizeBytes;
  await file.setLength(totalBytes);
  const onProgress = output.beginProgress();
  for (let first = 0; first < reader.pageCount; first += PAGES_AT_ONCE) {
    const records = await reader.pageRecords(first, PAGES_AT_ONCE);
    const stored = records.filter(({ fillByte }) => fillByte !== 0).map(({ index }) => index);
    await reader.readPages(
      stored,
      async ({ index }, bytes) => {
        for (const { offset, length } of differingRuns(bytes, ZERO_PAGE.subarray(0, bytes.length)))
          await file.write(index * PAGE_BYTES + offset, bytes.subarray(offset, offset + length));
      },
      { signal, onProgress: within(first * PAGE_BYTES, totalBytes, onProgress) },
    );
    onProgress({ doneBytes: Math.min(totalBytes, (first + PAGES_AT_ONCE) * PAGE_BYTES), totalBytes });
  }
}

function within(beforeBytes: number, totalBytes: number, onProgress: (progress: Progress) => void) {
  return ({ doneBytes }: Progress) => onProgress({ doneBytes: beforeBytes + doneBytes, totalBytes });
}

async function writeQcow2(
  reader: ImageReader,
  file: NewFile,
  { signal, output }: VerbContext,
): Promise<void> {
  const totalBytes = reader.image.sizeBytes;
  const writer = new Qcow2Writer(totalBytes, (offset, bytes) => file.write(offset, bytes));
  const onProgress = output.beginProgress();
  for await (const { offsetBytes, zero, bytes } of pagesInOrder(reader, signal)) {
    signal.throwIfAborted();
    if (!zero) await writer.put(offsetBytes, bytes);
    onProgress({ doneBytes: offsetBytes + bytes.length, totalBytes });
  }
  await file.setLength(await writer.finish());
}

function inWords({ id, format, output, sizeBytes, writtenBytes, seconds }: ExportResult): string {
  const where = output === STDOUT ? "stdout" : output;
  return (
    `${id} exported to ${where} as ${format}: ${formatBytes(sizeBytes)}, ${formatBytes(writtenBytes)} written ` +
    `in ${formatSeconds(seconds)}.`
  );
}
