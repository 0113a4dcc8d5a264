// A tool is what is measured: Sheepfold or a peer. Each gets the same images in the same order and restores to the
// same places.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Command } from "../run-measured.ts";

const run = promisify(execFile);

export interface RestoreCall {
  readonly generation: string;
  /** Folder in which the tool leaves IMAGE_NAME; there may be one from before. */
  readonly folder: string;
}

export interface Tool {
  readonly name: string;
  readonly version: string;
  /** Folder in which everything lies whose size counts. */
  readonly repository: string;
  /** False for one that keeps each image whole: an unchanged image costs as much as the first. */
  readonly deduplicates: boolean;
  /** False for one that leaves out what the file system does not use: its restore cannot equal the image. */
  readonly keepsEveryByte: boolean;
  init(): Promise<void>;
  archive(generation: string, image: string, node: string): Command;
  /** Must be called after archive; `stdout` is what that printed. */
  archived?(generation: string, stdout: string): void;
  restore(call: RestoreCall): Command;
  /** What makes the repository smaller at night, if the tool has such a thing. */
  readonly shrink?: readonly Command[];
}

export const IMAGE_NAME = "part.img";

export interface Candidate {
  /** For --peers and --only. */
  readonly name: string;
  readonly program: string;
  readonly versionArgs: readonly string[];
  readonly debianPackage: string;
  make(folder: string, version: string): Tool;
}

export async function versionOf(program: string, args: readonly string[]): Promise<string | null> {
  try {
    const { stdout, stderr } = await run(program, [...args]);
    return /\d+(\.\d+)+/.exec(stdout || stderr)?.[0] ?? /\d+/.exec(stdout || stderr)?.[0] ?? "unknown";
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

/** A shell command line; `$1` and so on are `args`, so that no path needs quoting. */
export function shell(line: string, args: readonly string[], more: Partial<Command> = {}): Command {
  return { ...more, program: "bash", args: ["-c", `set -eo pipefail; ${line}`, "bash", ...args] };
}
