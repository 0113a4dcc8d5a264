// Fuzzing of decoders: each gets hostile bytes made from valid ones. What it may do: answer, or throw FormatError or
// CodedError. What it may not: throw anything else, take memory that its input does not justify, or take long.
import { createHash } from "node:crypto";
import { Chance } from "#lib/model/chance.ts";
import { CodedError } from "#lib/model/errors.ts";
import { FormatError } from "../format/bytes.ts";
import { NewerFormatError } from "../format/text-file.ts";
import { claim } from "./model-repository.ts";

export interface FuzzTarget {
  readonly name: string;
  readonly samples: readonly Uint8Array[];
  readonly mutate: (sample: Uint8Array, chance: Chance) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => unknown;
}

export interface FuzzReport {
  readonly inputCount: number;
  /** Inputs that were refused by name; the others were still, or again, of the right form. */
  readonly refusedCount: number;
}

/** An input on which a decoder broke the rules, to be kept as a file. */
export class FuzzFailure extends Error {
  readonly fileName: string;
  readonly input: Uint8Array;
  constructor(target: string, input: Uint8Array, reason: unknown) {
    const hash = createHash("sha256").update(input).digest("hex").slice(0, 16);
    super(`${target} on ${input.length} hostile bytes (${hash}): ${reason}`, { cause: reason });
    this.fileName = `${target}-${hash}.bin`;
    this.input = input;
  }
}

/** Beyond the input's own size: room for decoded numbers and objects, far below what a lying count would ask for. */
const MEMORY_MAX = 32 * 1024 * 1024;
const MEMORY_PER_BYTE = 64;
const MILLISECONDS_MAX = 2000;

export async function fuzz(target: FuzzTarget, seed: number, inputCount: number): Promise<FuzzReport> {
  const chance = new Chance(seed);
  let refusedCount = 0;
  for (let count = 0; count < inputCount; count++) {
    const input = target.mutate(chance.pick(target.samples), chance);
    if (await isRefused(target, input)) refusedCount += 1;
  }
  return { inputCount, refusedCount };
}

/** True when the input is refused by name, false when it is decoded; FuzzFailure for anything else. */
export async function isRefused(target: FuzzTarget, input: Uint8Array): Promise<boolean> {
  const before = bufferBytes();
  const startedMs = performance.now();
  let refused = false;
  try {
    await target.decode(input);
  } catch (error) {
    if (!isNamed(error)) throw new FuzzFailure(target.name, input, error);
    refused = true;
  }
  const ms = performance.now() - startedMs;
  const takenBytes = bufferBytes() - before;
  const takenMax = MEMORY_MAX + MEMORY_PER_BYTE * input.length;
  try {
    claim(
      takenBytes <= takenMax,
      `${takenBytes} bytes of memory were taken, at most ${takenMax} are justified`,
    );
    claim(ms <= MILLISECONDS_MAX, `it took ${Math.round(ms)} ms`);
  } catch (error) {
    throw new FuzzFailure(target.name, input, error);
  }
  return refused;
}

function isNamed(error: unknown): boolean {
  return error instanceof FormatError || error instanceof NewerFormatError || error instanceof CodedError;
}

function bufferBytes(): number {
  const { arrayBuffers, external } = process.memoryUsage();
  return Math.max(arrayBuffers, external);
}
