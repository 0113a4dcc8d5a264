// Peers that store each piece of data once: borg, restic, casync, bup.
//
// They read the image from stdin, as they would a block device: given the file itself they would skip an unchanged one
// by its modification time, which a partition does not have. (casync reads the file, but keeps no such cache.) None
// restores by comparison, so over an older state each writes everything.
import { execFile } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Candidate, IMAGE_NAME, shell, type Tool } from "./tool.ts";

const run = promisify(execFile);

const VERSION_ARGS = ["--version"];
const ALL = { deduplicates: true, keepsEveryByte: true } as const;

export const borgFixed: Candidate = {
  name: "borg-fixed",
  program: "borg",
  versionArgs: VERSION_ARGS,
  debianPackage: "borgbackup",
  make: (folder, version) => borg(folder, "borg-fixed", version, ["--chunker-params", "fixed,65536"]),
};

export const borgDefault: Candidate = {
  name: "borg",
  program: "borg",
  versionArgs: VERSION_ARGS,
  debianPackage: "borgbackup",
  make: (folder, version) => borg(folder, "borg", version, []),
};

function borg(folder: string, name: string, version: string, chunker: readonly string[]): Tool {
  const repository = join(folder, name);
  const env = {
    BORG_BASE_DIR: `${repository}.base`,
    BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: "yes",
    BORG_RELOCATED_REPO_ACCESS_IS_OK: "yes",
  };
  const create = ["create", "-C", "zstd,3", ...chunker, "--stdin-name", IMAGE_NAME];
  return {
    ...ALL,
    name,
    version,
    repository,
    async init() {
      await mkdir(env.BORG_BASE_DIR, { recursive: true });
      await run("borg", ["init", "-e", "none", repository], { env: { ...process.env, ...env } });
    },
    archive: (generation, image) => ({
      program: "borg",
      args: [...create, `${repository}::${generation}`, "-"],
      env,
      stdin: image,
    }),
    restore: ({ generation, folder: target }) => ({
      program: "borg",
      args: ["extract", "--sparse", `${repository}::${generation}`],
      env,
      cwd: target,
    }),
  };
}

export const restic: Candidate = {
  name: "restic",
  program: "restic",
  versionArgs: ["version"],
  debianPackage: "restic",
  make(folder, version) {
    const repository = join(folder, "restic");
    const env = {
      RESTIC_PASSWORD: "bench",
      RESTIC_REPOSITORY: repository,
      XDG_CACHE_HOME: `${repository}.cache`,
    };
    return {
      ...ALL,
      name: "restic",
      version,
      repository,
      async init() {
        await run("restic", ["init", "--repository-version", "2"], { env: { ...process.env, ...env } });
      },
      archive: (generation, image) => ({
        program: "restic",
        args: ["backup", "--quiet", "--stdin", "--stdin-filename", IMAGE_NAME, "--tag", generation],
        env,
        stdin: image,
      }),
      restore: ({ generation, folder: target }) => ({
        program: "restic",
        args: ["restore", "--quiet", "--tag", generation, "--target", target, "latest"],
        env,
      }),
    };
  },
};

export const casync: Candidate = {
  name: "casync",
  program: "casync",
  versionArgs: VERSION_ARGS,
  debianPackage: "casync",
  make(folder, version) {
    const repository = join(folder, "casync");
    const index = (generation: string) => join(repository, `${generation}.caibx`);
    const store = `--store=${join(repository, "default.castr")}`;
    return {
      ...ALL,
      name: "casync",
      version,
      repository,
      async init() {
        await mkdir(repository, { recursive: true });
      },
      archive: (generation, image) => ({
        program: "casync",
        args: ["make", "--compression=zstd", store, index(generation), image],
      }),
      restore: ({ generation, folder: target }) => ({
        program: "casync",
        // With what it finds at the target as a seed, this version ends with "Stale file handle".
        args: ["extract", "--seed-output=no", store, index(generation), join(target, IMAGE_NAME)],
      }),
    };
  },
};

export const bup: Candidate = {
  name: "bup",
  program: "bup",
  versionArgs: VERSION_ARGS,
  debianPackage: "bup",
  make(folder, version) {
    const repository = join(folder, "bup");
    const env = { BUP_DIR: repository, GIT_CONFIG_GLOBAL: "/dev/null" };
    return {
      ...ALL,
      name: "bup",
      version,
      repository,
      async init() {
        await rm(repository, { recursive: true, force: true });
        await run("bup", ["init"], { env: { ...process.env, ...env } });
      },
      archive: (generation, image) => ({
        program: "bup",
        args: ["split", "--quiet", "-n", generation],
        env,
        stdin: image,
      }),
      restore: ({ generation, folder: target }) =>
        shell('bup join "$1" > "$2"', [generation, join(target, IMAGE_NAME)], { env }),
    };
  },
};
