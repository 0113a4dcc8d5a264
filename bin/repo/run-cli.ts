// For tests: runs the real program on real files and returns what a caller would see.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const LAUNCHER = fileURLToPath(new URL("../sheepfold.mjs", import.meta.url));

export interface CliResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  /** Called with the process once it runs, to signal it. */
  readonly onStart?: (child: { readonly pid?: number; kill(signal: NodeJS.Signals): boolean }) => void;
  /** Called with everything stderr has said so far. */
  readonly onStderr?: (text: string) => void;
  readonly node?: string;
}

export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const child = spawn(options.node ?? process.execPath, [LAUNCHER, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    options.onStderr?.(stderr);
  });
  options.onStart?.(child);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (exitCode) => resolve({ exitCode, stdout, stderr }));
  });
}

/** One `--json` call: stdout must be exactly one JSON value, stderr nothing but JSON lines. */
export async function runJson(...args: readonly string[]) {
  const { exitCode, stdout, stderr } = await runCli(["repo", ...args, "--json"]);
  const lines = stderr.split("\n").filter((line) => line !== "");
  const errors = lines.map((line) => JSON.parse(line) as Record<string, string | null>);
  const value = stdout === "" ? null : (JSON.parse(stdout) as unknown);
  return { exitCode, value, stdout, errors, error: errors.at(-1) ?? null };
}
