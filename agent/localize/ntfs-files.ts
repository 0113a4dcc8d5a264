// Files of NTFS by ntfs-3g's programs, which work on a device that is not mounted. They can neither rename nor delete nor make
// folders: an existing file is written over in place and, should that fail, gets its old content back; a new one needs its folder.
// To Windows names that differ in case are one, to these programs they are two: every path is spelled here as it is on the disk, so that
// no second "Hosts" comes to stand beside "hosts".
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CodedError } from "#lib/model/errors.ts";
import { wordsOf } from "../device/raw-device.ts";
import { notClean } from "./file-system.ts";
import { recipeRefused } from "./refusal.ts";
import { type ToolName, type ToolOutcome, type ToolRun, toolFailed, wordsOfTool } from "./tools.ts";
import {
  CHECK_MS_MAX,
  type FileContent,
  fileTooLarge,
  notAFile,
  parentOf,
  readBackDiffers,
  type VolumeFiles,
  type Workbench,
} from "./volume-files.ts";

/** Where a path leads: `path` as it is spelled on the disk. */
interface Place {
  readonly path: string;
  readonly isThere: boolean;
}

const CONTENT = "content";
const READ_BACK = "read-back";
const PROBE = { clean: 0, hibernated: 14, unclean: 15 } as const;

/** Throws "recipe-refused" for a volume that Windows left hibernated (its fast startup does) or in the middle of something. */
export async function assertNtfsClean(bench: Workbench, device: string, partition: string): Promise<void> {
  const probe = await bench.run("ntfs-3g.probe", { args: ["--readwrite", device] });
  if (probe.exitCode === PROBE.hibernated) throw notClean(partition, "ntfs", "Windows is hibernated");
  if (probe.exitCode === PROBE.unclean) throw notClean(partition, "ntfs", "its journal holds changes");
  if (probe.exitCode !== PROBE.clean) throw notClean(partition, "ntfs", wordsOfTool(probe));
  const info = await bench.run("ntfsinfo", { args: ["-m", device] });
  if (info.exitCode === 0) return;
  const isScheduled = /scheduled for check/.test(info.complaints);
  throw notClean(partition, "ntfs", isScheduled ? "Windows wants to check it" : wordsOfTool(info));
}

export function ntfsFiles(bench: Workbench, device: string): VolumeFiles {
  const ntfs = new NtfsFiles(bench, device);
  return {
    read: (path, bytesMax) => ntfs.read(path, bytesMax),
    replace: (path, bytes) => ntfs.replace(path, bytes),
    check: async (signal) => {
      const outcome = await bench.run("ntfsfix", { args: ["-n", device], signal, msMax: CHECK_MS_MAX });
      if (outcome.exitCode !== 0) throw toolFailed("ntfsfix", "checking the partition", outcome);
    },
  };
}

class NtfsFiles {
  readonly #bench: Workbench;
  readonly #device: string;

  constructor(bench: Workbench, device: string) {
    this.#bench = bench;
    this.#device = device;
  }

  async read(path: string, bytesMax: number): Promise<FileContent | null> {
    const place = await this.#place(path);
    if (!place.isThere) return null;
    await this.#assertPlainFile(place.path);
    const listed = await this.#tool("ntfsls", place.path, {
      args: ["-a", "-s", "-l", "-p", place.path, this.#device],
    });
    const sizeBytes = Number(/^ *(\d+) /.exec(listed.output)?.[1] ?? 0);
    if (sizeBytes > bytesMax) throw fileTooLarge(path, sizeBytes, bytesMax);
    return { bytes: await this.#content(place.path), mode: null };
  }

  async replace(path: string, bytes: Buffer): Promise<void> {
    const place = await this.#place(path);
    if (place.isThere) await this.#assertPlainFile(place.path);
    const before = place.isThere ? await this.#content(place.path) : null;
    try {
      await this.#write(place.path, bytes);
    } catch (thrown) {
      throw await this.#undone(place.path, before, thrown);
    }
  }

  /** Puts the old content back; the failure to throw, with what has become of the file. */
  async #undone(path: string, before: Buffer | null, thrown: unknown): Promise<CodedError> {
    const isBack =
      before !== null &&
      (await this.#write(path, before).then(
        () => true,
        () => false,
      ));
    const outcome = isBack
      ? "The old content is put back."
      : before === null
        ? "What was written of the new file may be left."
        : "The old content could not be put back.";
    return new CodedError("target-write-failed", `${wordsOf(thrown)} ${outcome}`, {
      hint: "Check that the partition is not full and the disk is healthy, then restore it again.",
      cause: thrown,
    });
  }

  async #write(path: string, bytes: Buffer): Promise<void> {
    await writeFile(join(this.#bench.folder, CONTENT), bytes);
    await this.#tool("ntfscp", path, { args: [this.#device, CONTENT, path] });
    if (!(await this.#content(path)).equals(bytes)) throw readBackDiffers(path);
  }

  async #content(path: string): Promise<Buffer> {
    await this.#tool("ntfscat", path, { args: [this.#device, path], outputFile: READ_BACK });
    return readFile(join(this.#bench.folder, READ_BACK));
  }

  /** Every name as it stands in its folder. */
  async #place(path: string): Promise<Place> {
    if (path.startsWith("/$")) {
      throw recipeRefused(
        `${path} belongs to NTFS itself.`,
        "Correct the recipe: name a file of the system or of people.",
      );
    }
    let folder = "";
    for (const name of parentOf(path).split("/").slice(1)) {
      const entry = await this.#entry(folder, name);
      if (entry === null || !entry.isFolder) {
        throw recipeRefused(
          `There is no folder ${folder}/${name}, and ntfs-3g's programs cannot make one.`,
          "Correct the recipe, or make the folder in the master.",
        );
      }
      folder = `${folder}/${entry.name}`;
    }
    const last = path.slice(path.lastIndexOf("/") + 1);
    const entry = await this.#entry(folder, last);
    if (entry?.isFolder) throw notAFile(path, "a folder");
    return { path: `${folder}/${entry?.name ?? last}`, isThere: entry !== null };
  }

  /** The name as it is spelled, or else the only one that differs from it in case. */
  async #entry(folder: string, name: string): Promise<{ name: string; isFolder: boolean } | null> {
    const listed = await this.#tool("ntfsls", folder || "/", {
      args: ["-a", "-s", "-F", "-p", folder || "/", this.#device],
    });
    const entries = listed.output.split("\n").map((line) => ({
      name: line.replace(/\/$/, ""),
      isFolder: line.endsWith("/"),
    }));
    const alike = entries.filter((entry) => entry.name.toUpperCase() === name.toUpperCase());
    const exact = alike.find((entry) => entry.name === name);
    if (exact === undefined && alike.length > 1) {
      throw recipeRefused(
        `${folder} holds several names that differ only in case: ${alike.map((entry) => entry.name).join(", ")}.`,
        "Spell the name in the recipe as it is on the disk.",
      );
    }
    return exact ?? alike[0] ?? null;
  }

  /** What Windows reads of a link, a compacted, deduplicated or encrypted file lies elsewhere than in its plain content. */
  async #assertPlainFile(path: string): Promise<void> {
    const { output } = await this.#tool("ntfsinfo", path, { args: ["-F", path, this.#device] });
    const attributes = /^\s*File attributes:(.*)$/m.exec(output)?.[1] ?? "";
    if (attributes.includes("REPARSE")) throw notAFile(path, "a link, or kept in a compacted form");
    if (attributes.includes("ENCRYPTED")) throw notAFile(path, "encrypted");
  }

  async #tool(name: ToolName, path: string, run: ToolRun): Promise<ToolOutcome> {
    const outcome = await this.#bench.run(name, run);
    if (outcome.exitCode !== 0) throw toolFailed(name, `on ${path}`, outcome);
    return outcome;
  }
}
