// The tools measured side by side. Each gets the same images in the same order and restores to the same places.
//
// Peers read the image from stdin, as they would a block device: given the file itself they would skip an unchanged
// one by its modification time, which a partition does not have. None of the peers can restore by comparison, so their
// restore onto an older state is a full one.
import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Command } from "./run-measured.ts";

const run = promisify(execFile);

export interface RestoreCall {
  readonly generation: string;
  /** Folder in which the tool leaves "part.img"; there may be one from before. */
  readonly folder: string;
}

export interface Tool {
  readonly name: string;
  readonly version: string;
  /** Where everything lies whose size counts. */
  readonly repository: string;
  init(): Promise<void>;
  archive(generation: string, image: string): Command;
  /** Must be called after archive; `stdout` is what that printed. */
  archived(generation: string, stdout: string): void;
  restore(call: RestoreCall): Command;
  /** True when restoring onto an existing file writes only what differs. */
  readonly restoresByComparison: boolean;
}

const IMAGE = "part.img";

export async function installedTools(work: string): Promise<{ tools: Tool[]; missing: string[] }> {
  const tools: Tool[] = [sheepfold(work)];
  const missing: string[] = [];
  const borgVersion = await versionOf("borg", ["--version"]);
  if (borgVersion === null) missing.push("borg (Debian package borgbackup)");
  else {
    tools.push(borg(work, "borg fixed 64 KiB", borgVersion, ["--chunker-params", "fixed,65536"]));
    tools.push(borg(work, "borg default", borgVersion, []));
  }
  const resticVersion = await versionOf("restic", ["version"]);
  if (resticVersion === null) missing.push("restic (Debian package restic)");
  else tools.push(restic(work, resticVersion));
  return { tools, missing };
}

async function versionOf(program: string, args: readonly string[]): Promise<string | null> {
  try {
    const { stdout } = await run(program, args);
    return /\d+\.\d+(\.\d+)?/.exec(stdout)?.[0] ?? "unknown";
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

function sheepfold(work: string): Tool {
  const repository = join(work, "sheepfold");
  const launcher = fileURLToPath(new URL("../bin/sheepfold.mjs", import.meta.url));
  const repo = (...args: string[]): Command => ({
    program: process.execPath,
    args: [launcher, "repo", ...args, "--json"],
  });
  const snapshotIds = new Map<string, string>();
  return {
    name: "sheepfold",
    version: "this checkout",
    repository,
    restoresByComparison: true,
    async init() {
      const { program, args } = repo("init", repository);
      await run(program, [...args]);
    },
    archive: (_, image) => repo("archive", repository, image, "--node", "bench", "--partition", "sda1"),
    archived(generation, stdout) {
      const entry: unknown = JSON.parse(stdout);
      if (typeof entry !== "object" || entry === null || !("id" in entry))
        throw new Error(`No id in ${stdout}`);
      snapshotIds.set(generation, String(entry.id));
    },
    restore: ({ generation, folder }) =>
      repo("restore", repository, snapshotIds.get(generation) ?? "", join(folder, IMAGE)),
  };
}

function borg(work: string, name: string, version: string, chunker: readonly string[]): Tool {
  const repository = join(work, name.replaceAll(" ", "-"));
  const env = {
    BORG_BASE_DIR: `${repository}.base`,
    BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: "yes",
    BORG_RELOCATED_REPO_ACCESS_IS_OK: "yes",
  };
  return {
    name,
    version,
    repository,
    restoresByComparison: false,
    async init() {
      await mkdir(env.BORG_BASE_DIR, { recursive: true });
      await run("borg", ["init", "-e", "none", repository], { env: { ...process.env, ...env } });
    },
    archive: (generation, image) => ({
      program: "borg",
      args: [
        "create",
        "-C",
        "zstd,3",
        ...chunker,
        "--stdin-name",
        IMAGE,
        `${repository}::${generation}`,
        "-",
      ],
      env,
      stdin: image,
    }),
    archived: () => undefined,
    restore: ({ generation, folder }) => ({
      program: "borg",
      args: ["extract", "--sparse", `${repository}::${generation}`],
      env,
      cwd: folder,
    }),
  };
}

function restic(work: string, version: string): Tool {
  const repository = join(work, "restic");
  const env = {
    RESTIC_PASSWORD: "bench",
    RESTIC_REPOSITORY: repository,
    XDG_CACHE_HOME: `${repository}.cache`,
  };
  return {
    name: "restic",
    version,
    repository,
    restoresByComparison: false,
    async init() {
      await run("restic", ["init"], { env: { ...process.env, ...env } });
    },
    archive: (generation, image) => ({
      program: "restic",
      args: ["backup", "--quiet", "--stdin", "--stdin-filename", IMAGE, "--tag", generation],
      env,
      stdin: image,
    }),
    archived: () => undefined,
    restore: ({ generation, folder }) => ({
      program: "restic",
      args: ["restore", "--quiet", "--tag", generation, "--target", folder, "latest"],
      env,
    }),
  };
}
