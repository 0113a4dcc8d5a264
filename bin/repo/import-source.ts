// openImportSource opens what is to be imported, in its format, as bytes the engine can archive.
//
// A raw file and a qcow2 file have a size of their own. A compressed file is decoded twice when its size is not given:
// once to learn it (and that the file is whole), once to archive. From stdin there is only one reading.
import { createReadStream } from "node:fs";
import { pipeline, type Readable } from "node:stream";
import { type ByteSource, openFileSource } from "#lib/engine/repository.ts";
import { Qcow2Reader } from "#lib/image/qcow2-reader.ts";
import { CodedError } from "#lib/model/errors.ts";
import { type ImageFormat, unpackerOf } from "./image-formats.ts";
import { lengthOf, StreamSource } from "./stream-source.ts";

export interface ImportSource {
  readonly source: ByteSource;
  /** Before the commit: throws unless the source ended where it should. */
  checkEnd(): Promise<void>;
  close(): Promise<void>;
}

/** `path` null: stdin. `sizeBytes` is for streams: what they hold once unpacked. */
export async function openImportSource(
  path: string | null,
  format: ImageFormat,
  sizeBytes: number | undefined,
  signal: AbortSignal,
): Promise<ImportSource> {
  if (path !== null && (format === "raw" || format === "qcow2")) {
    if (sizeBytes !== undefined) throw invalid("A file has a size of its own", "Leave out --size.");
    return format === "raw" ? openRaw(path) : openQcow2(path);
  }
  if (format === "qcow2")
    throw invalid("A qcow2 file cannot be read from a pipe", "Save it as a file and import that.");
  const name = path ?? "stdin";
  const size = sizeBytes ?? (await measured(path, format, signal));
  const stream = openStream(path, format, signal);
  const source = new StreamSource(name, size, stream);
  return {
    source,
    checkEnd: () => source.checkEnd(),
    close: async () => void stream.destroy(),
  };
}

async function openRaw(path: string): Promise<ImportSource> {
  const source = await openFileSource(path);
  // The engine itself notices a file that has become shorter or longer.
  return { source, checkEnd: async () => undefined, close: () => source.close() };
}

async function openQcow2(path: string): Promise<ImportSource> {
  const file = await openFileSource(path);
  try {
    const source = await Qcow2Reader.open(file);
    return { source, checkEnd: async () => undefined, close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function measured(path: string | null, format: "raw" | "raw.gz" | "raw.zst", signal: AbortSignal) {
  if (path === null)
    throw invalid("The size of what comes on stdin is not known", "Give it with --size, as in --size 20GiB.");
  return lengthOf(path, openStream(path, format, signal));
}

/** The unpacked bytes. An abort, or an error anywhere on the way, ends the reading of them with an error. */
function openStream(
  path: string | null,
  format: "raw" | "raw.gz" | "raw.zst",
  signal: AbortSignal,
): Readable {
  const bytes = path === null ? process.stdin : createReadStream(path, { highWaterMark: 256 * 1024 });
  const unpacker = unpackerOf(format);
  const stop = () => bytes.destroy(new Error("interrupted"));
  signal.addEventListener("abort", stop, { once: true });
  bytes.once("close", () => signal.removeEventListener("abort", stop));
  // The callback's error is the one the reader of `unpacker` gets: here it only has to be taken.
  return unpacker === null ? bytes : pipeline(bytes, unpacker, () => undefined);
}

function invalid(message: string, hint: string): CodedError {
  return new CodedError("input-invalid", `${message}.`, { hint });
}
