// Sheepfold as a person uses it: the CLI, a new process for each step, a real repository on disk.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Command } from "../run-measured.ts";
import { IMAGE_NAME, type Tool } from "./tool.ts";

const run = promisify(execFile);
const LAUNCHER = fileURLToPath(new URL("../../bin/sheepfold.mjs", import.meta.url));

export const PARTITION = "sda1";

export function repoCommand(...args: string[]): Command {
  return { program: process.execPath, args: [LAUNCHER, "repo", ...args] };
}

export async function sheepfold(folder: string, name = "sheepfold"): Promise<Tool> {
  const repository = join(folder, name);
  const snapshotIds = new Map<string, string>();
  const { stdout: help } = await run(process.execPath, [LAUNCHER, "repo", "--help"]);
  return {
    name: "sheepfold",
    version: "this checkout",
    repository,
    deduplicates: true,
    keepsEveryByte: true,
    async init() {
      const { program, args } = repoCommand("init", repository, "--json");
      await run(program, [...args]);
    },
    archive: (_, image, node) =>
      repoCommand("archive", repository, image, "--node", node, "--partition", PARTITION, "--json"),
    archived(generation, stdout) {
      snapshotIds.set(generation, textField(JSON.parse(stdout), "id"));
    },
    restore: ({ generation, folder: target }) =>
      repoCommand(
        "restore",
        repository,
        snapshotIds.get(generation) ?? "",
        join(target, IMAGE_NAME),
        "--json",
      ),
    ...(/^ +re-segment /m.test(help)
      ? { shrink: [repoCommand("re-segment", repository), repoCommand("gc", repository)] }
      : {}),
  };
}

function textField(value: unknown, field: string): string {
  const found = typeof value === "object" && value !== null ? Object.entries(value) : [];
  const text = found.find(([name]) => name === field)?.[1];
  if (typeof text !== "string") throw new Error(`No ${field} in ${JSON.stringify(value)}`);
  return text;
}

export function numberField(text: string, field: string): number {
  const value: unknown = JSON.parse(text);
  const found = typeof value === "object" && value !== null ? Object.entries(value) : [];
  const number = found.find(([name]) => name === field)?.[1];
  if (typeof number !== "number") throw new Error(`No number ${field} in ${text}`);
  return number;
}
