// Runs the maintenance system's own programs: an argument list and words on standard input, never a shell. They run in the
// workspace, so that commands name files there by plain names, and their paths need no quoting. A program that is not there is said
// with the Debian package that brings it. Whether an exit code or a complaint means failure is each caller's to know.
import { spawn } from "node:child_process";
import { access, constants, open } from "node:fs/promises";
import { join } from "node:path";
import { CodedError } from "#lib/model/errors.ts";

/** Program, and the Debian package it comes with. */
const PACKAGE_OF = {
  debugfs: "e2fsprogs",
  e2fsck: "e2fsprogs",
  mattrib: "mtools",
  mcopy: "mtools",
  mdel: "mtools",
  mmd: "mtools",
  mren: "mtools",
  "fsck.fat": "dosfstools",
  "ntfs-3g.probe": "ntfs-3g",
  ntfscat: "ntfs-3g",
  ntfscp: "ntfs-3g",
  ntfsfix: "ntfs-3g",
  ntfsinfo: "ntfs-3g",
  ntfsls: "ntfs-3g",
  hivexsh: "libhivex-bin",
  losetup: "mount",
} as const;
export type ToolName = keyof typeof PACKAGE_OF;

export interface ToolRun {
  readonly args: readonly string[];
  readonly input?: string;
  /** A file of the workspace that takes standard output, which may be large. */
  readonly outputFile?: string;
  /** Kills the program. Only for those that read: one that writes is let finish, or the file system is left in pieces. */
  readonly signal?: AbortSignal;
  readonly msMax?: number;
}

export interface ToolOutcome {
  readonly exitCode: number;
  readonly output: string;
  readonly complaints: string;
}

export type RunTool = (name: ToolName, run: ToolRun) => Promise<ToolOutcome>;

/** Copying a large hive onto a slow disk takes less. */
const TOOL_MS_MAX = 10 * 60_000;
const OUTPUT_CHARACTERS_MAX = 16 * 1024 * 1024;
const WORDS_CHARACTERS_MAX = 400;

/** Throws "environment-invalid" and names everything that is missing. */
export async function requireTools(names: Iterable<ToolName>): Promise<void> {
  const missing: ToolName[] = [];
  for (const name of new Set(names)) if ((await findProgram(name)) === null) missing.push(name);
  if (missing.length > 0) throw toolsMissing(missing);
}

/** Runs programs in a folder, which is also their home: hivexsh writes a history into it. */
export function toolRunner(folder: string): RunTool {
  return async (name, run) => {
    const program = await findProgram(name);
    if (program === null) throw toolsMissing([name]);
    const output = run.outputFile === undefined ? null : await open(join(folder, run.outputFile), "w", 0o600);
    try {
      return await spawned(name, program, folder, run, output === null ? "pipe" : output.fd);
    } finally {
      await output?.close();
    }
  };
}

/** What a program said, short enough to be part of a sentence. */
export function wordsOfTool({ complaints, output, exitCode }: ToolOutcome): string {
  const said = (complaints.trim() || output.trim() || `it ended with ${exitCode}`).replace(/\s+/g, " ");
  return said.length > WORDS_CHARACTERS_MAX ? `${said.slice(0, WORDS_CHARACTERS_MAX)}…` : said;
}

/** The target does not hold what was wanted of it. */
export function toolFailed(name: ToolName, doing: string, outcome: ToolOutcome): CodedError {
  return new CodedError("target-write-failed", `${name} failed ${doing}: ${wordsOfTool(outcome)}`, {
    hint: "Check that the file system is whole and not full, then restore the partition again.",
  });
}

function spawned(
  name: ToolName,
  program: string,
  folder: string,
  { args, input = "", signal, msMax = TOOL_MS_MAX }: ToolRun,
  stdout: "pipe" | number,
): Promise<ToolOutcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: folder,
      env: environment(folder),
      stdio: ["pipe", stdout, "pipe"],
      timeout: msMax,
      killSignal: "SIGKILL",
      signal,
    });
    const said = { output: "", complaints: "" };
    const hear = (which: "output" | "complaints") => (text: string) => {
      if (said[which].length < OUTPUT_CHARACTERS_MAX) said[which] += text;
    };
    child.stdout?.setEncoding("utf8").on("data", hear("output"));
    child.stderr?.setEncoding("utf8").on("data", hear("complaints"));
    // A program that ends before it has read its commands breaks the pipe; why it ended is in its own words.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input);
    child.on("error", (thrown) => reject(signal?.aborted === true ? signal.reason : thrown));
    child.on("close", (code, killedBy) => {
      if (code === null) said.complaints += ` ${name} was stopped by ${killedBy} after at most ${msMax} ms.`;
      resolve({ exitCode: code ?? -1, ...said });
    });
  });
}

function environment(folder: string): NodeJS.ProcessEnv {
  return {
    NODE_ENV: process.env.NODE_ENV, // Means nothing to them; its type asks for it.
    PATH: searchPath().join(":"),
    HOME: folder,
    // Names on disk are UTF-16 or UTF-8; any other locale would lose letters. Messages are parsed, so they are English.
    LC_ALL: "C.UTF-8",
    DEBUGFS_PAGER: "__none__",
    // mtools else refuses geometries that every operating system accepts.
    MTOOLS_SKIP_CHECK: "1",
    MTOOLSRC: "/dev/null",
  };
}

/** Debian keeps file system tools in sbin, which is not on everybody's PATH: beside each bin its sbin is looked through, too. */
function searchPath(): string[] {
  const folders = (process.env.PATH ?? "").split(":").filter((folder) => folder.startsWith("/"));
  return [...new Set(folders.flatMap((folder) => [folder, folder.replace(/\/bin\/?$/, "/sbin")]))];
}

async function findProgram(name: ToolName): Promise<string | null> {
  for (const folder of searchPath()) {
    const path = join(folder, name);
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  return null;
}

function toolsMissing(names: readonly ToolName[]): CodedError {
  const packages = [...new Set(names.map((name) => PACKAGE_OF[name]))];
  return new CodedError("environment-invalid", `This system lacks ${names.join(", ")}, which recipes need.`, {
    hint: `Install ${packages.join(", ")} (Debian's name) in the maintenance system, then repeat.`,
  });
}
