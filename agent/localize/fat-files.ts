// Files of FAT12/16/32 by mtools. A new file is written beside the old one, read back, and renamed into its place; between deleting
// and renaming a crash would leave only the draft, which the next restore puts right. FAT has no owners and modes; the attributes
// hidden, system and read-only are kept.
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { recipeRefused } from "./refusal.ts";
import { type ToolName, type ToolOutcome, toolFailed } from "./tools.ts";
import {
  CHECK_MS_MAX,
  DRAFT_NAME,
  type FileContent,
  fileTooLarge,
  notAFile,
  parentOf,
  prefixesOf,
  readBackDiffers,
  type VolumeFiles,
  type Workbench,
} from "./volume-files.ts";

export interface FatVolume {
  /** For mtools: the partition's device, or an image file with @@ and the offset. */
  readonly address: string;
  /** For fsck.fat, which knows no offsets. */
  withDevice<Result>(use: (device: string) => Promise<Result>): Promise<Result>;
}

const CONTENT = "content";
const READ_BACK = "read-back";
const FOLDER = "D";

export function fatFiles(bench: Workbench, volume: FatVolume): VolumeFiles {
  const fat = new FatFiles(bench, volume.address);
  return {
    read: (path, bytesMax) => fat.read(path, bytesMax),
    replace: (path, bytes) => fat.replace(path, bytes),
    check: (signal) =>
      volume.withDevice(async (device) => {
        const outcome = await bench.run("fsck.fat", { args: ["-n", device], signal, msMax: CHECK_MS_MAX });
        if (outcome.exitCode !== 0) throw toolFailed("fsck.fat", "checking the partition", outcome);
      }),
  };
}

class FatFiles {
  readonly #bench: Workbench;
  readonly #address: string;

  constructor(bench: Workbench, address: string) {
    this.#bench = bench;
    this.#address = address;
  }

  async read(path: string, bytesMax: number): Promise<FileContent | null> {
    const attributes = await this.#fileAttributes(path);
    if (attributes === null) return null;
    const bytes = await this.#copyOut(path);
    if (bytes.length > bytesMax) throw fileTooLarge(path, bytes.length, bytesMax);
    return { bytes, mode: null };
  }

  async replace(path: string, bytes: Buffer): Promise<void> {
    const attributes = await this.#fileAttributes(path);
    await this.#makeFolder(parentOf(path));
    const draft = `${parentOf(path)}/${DRAFT_NAME}`;
    await writeFile(join(this.#bench.folder, CONTENT), bytes);
    try {
      await this.#mtool("mcopy", path, "-o", CONTENT, `::${draft}`);
      if (!(await this.#copyOut(draft)).equals(bytes)) throw readBackDiffers(path);
    } catch (thrown) {
      // Best effort: what failed is said whether or not the draft goes.
      await this.#run("mdel", `::${draft}`).catch(() => undefined);
      throw thrown;
    }
    if (attributes !== null) {
      // mdel asks before it deletes what is read-only, and there is nobody to answer.
      if (attributes.includes("R")) await this.#mtool("mattrib", path, "-r", `::${path}`);
      await this.#mtool("mdel", path, `::${path}`);
    }
    await this.#mtool("mren", path, `::${draft}`, `::${path}`);
    const kept = [...(attributes ?? "")].filter((letter) => "SHR".includes(letter)).join("");
    if (kept !== "") await this.#mtool("mattrib", path, `+${kept.toLowerCase()}`, `::${path}`);
    if (!(await this.#copyOut(path)).equals(bytes)) throw readBackDiffers(path);
  }

  async #makeFolder(path: string): Promise<void> {
    for (const prefix of prefixesOf(path)) {
      const attributes = await this.#attributes(prefix);
      if (attributes === null) await this.#mtool("mmd", prefix, `::${prefix}`);
      else if (!attributes.includes(FOLDER)) {
        throw recipeRefused(
          `${prefix} is not a folder.`,
          "Correct the recipe: files can only be put into folders.",
        );
      }
    }
  }

  async #fileAttributes(path: string): Promise<string | null> {
    const attributes = await this.#attributes(path);
    if (attributes?.includes(FOLDER)) throw notAFile(path, "a folder");
    return attributes;
  }

  /** Letters of ADSHR; null when there is nothing of this name. */
  async #attributes(path: string): Promise<string | null> {
    const outcome = await this.#run("mattrib", "-X", `::${path}`);
    if (outcome.exitCode === 0) return outcome.output.trim();
    if (/not found/i.test(outcome.complaints)) return null;
    throw toolFailed("mattrib", `on ${path}`, outcome);
  }

  async #copyOut(path: string): Promise<Buffer> {
    const file = join(this.#bench.folder, READ_BACK);
    await rm(file, { force: true });
    await this.#mtool("mcopy", path, "-n", `::${path}`, READ_BACK);
    return readFile(file);
  }

  async #mtool(name: ToolName, path: string, ...args: string[]): Promise<void> {
    const outcome = await this.#run(name, ...args);
    if (outcome.exitCode !== 0) throw toolFailed(name, `on ${path}`, outcome);
  }

  #run(name: ToolName, ...args: string[]): Promise<ToolOutcome> {
    return this.#bench.run(name, { args: ["-i", this.#address, ...args] });
  }
}
