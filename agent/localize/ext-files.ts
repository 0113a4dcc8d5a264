// Files of ext2/3/4 by debugfs, which changes a file system that is not mounted. debugfs tells failure only in words and goes on with
// its next command, so each session is short, any complaint ends it, and the new file is whole and read back under another name
// before three commands put it in the old one's place. A file keeps owner, mode and extended attributes (SELinux labels, ACLs).
// Debugfs 1.47 damages the file system when asked to make what exists, and `write` knows no paths: both are seen to here.
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { recipeRefused } from "./refusal.ts";
import { type ToolOutcome, toolFailed, wordsOfTool } from "./tools.ts";
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

interface Inode {
  readonly number: number;
  readonly type: string;
  readonly mode: number;
  readonly userId: number;
  readonly groupId: number;
  readonly sizeBytes: number;
  readonly linkCount: number;
  /** 0: all attributes fit into the inode. */
  readonly attributeBlock: number;
  /** In units of 512 bytes. */
  readonly blockCount: number;
  readonly flags: number;
}

interface Draft {
  readonly path: string;
  readonly draft: string;
  readonly folder: number;
  readonly bytes: Buffer;
  readonly old: Inode | null;
  readonly mode: number | null;
}

interface Inheritance {
  readonly old: Inode;
  readonly fresh: Inode;
  /** All of the old one's. */
  readonly attributes: readonly string[];
}

/** Names in the workspace. */
const CONTENT = "content";
const READ_BACK = "read-back";
const ATTRIBUTE = "attribute";
const ROOT_INODE = 2;
const MODE_OF_NEW = 0o644;
const REGULAR_FILE = 0o100000;
/** Immutable, append-only, encrypted, sealed by fs-verity: replacing the file would take that from it. */
const PROTECTED_FLAGS = 0x10 | 0x20 | 0x800 | 0x10_0000;
/** How a file's beginning is kept in its inode; not an attribute of its own. */
const INLINE_DATA = "system.data";
const BANNER = /^debugfs \d/;
const NOT_FOUND = /File not found by ext2_lookup/;

/** `address`: the partition's device, or an image file with ?offset=. */
export function extFiles(bench: Workbench, address: string): VolumeFiles {
  const ext = new ExtFiles(bench, address);
  return {
    read: (path, bytesMax) => ext.read(path, bytesMax),
    replace: (path, bytes, mode) => ext.replace(path, bytes, mode),
    check: (signal) => ext.check(signal),
  };
}

class ExtFiles {
  readonly #bench: Workbench;
  readonly #address: string;

  constructor(bench: Workbench, address: string) {
    this.#bench = bench;
    this.#address = address;
  }

  async read(path: string, bytesMax: number): Promise<FileContent | null> {
    const inode = await this.#regularFile(path);
    if (inode === null) return null;
    if (inode.sizeBytes > bytesMax) throw fileTooLarge(path, inode.sizeBytes, bytesMax);
    return { bytes: await this.#dump(inode, path), mode: inode.mode };
  }

  async replace(path: string, bytes: Buffer, mode: number | null): Promise<void> {
    const old = await this.#regularFile(path);
    if (old !== null && (old.flags & PROTECTED_FLAGS) !== 0) {
      throw recipeRefused(
        `${path} is protected (immutable, append-only, encrypted or sealed).`,
        "Take the protection from it in the master (chattr -i -a), then make a new snapshot.",
      );
    }
    const attributes = old === null ? [] : await this.#attributesOf(old.number, path);
    const folder = await this.#makeFolder(parentOf(path));
    const draft = entryOf(`${parentOf(path)}/${DRAFT_NAME}`);
    // Of a run that was cut off, and whose restore found nothing to write since.
    if ((await this.#inode(draft)) !== null) await this.#change(path, [`rm "${draft}"`]);
    await writeFile(join(this.#bench.folder, CONTENT), bytes);
    const fresh = await this.#writeDraft({ path, draft, folder, bytes, old, mode }).catch(
      async (thrown: unknown) => {
        await this.#change(path, [`rm "${draft}"`]).catch(() => undefined); // What failed first is what to tell.
        throw thrown;
      },
    );
    // `ln` and `unlink` count no links, so that the new file's one link is right again in the end. Should one of them fail,
    // nothing may be tidied up: removing a name would free a file that has another.
    const removal = old === null ? [] : [`unlink "${entryOf(path)}"`];
    await this.#change(path, [...removal, `ln <${fresh.number}> "${entryOf(path)}"`, `unlink "${draft}"`]);
    if (old !== null) {
      await this.#inherit(path, { old, fresh, attributes });
      const links = `sif <${old.number}> links_count ${old.linkCount - 1}`;
      await this.#change(path, old.linkCount > 1 ? [links] : [links, `kill_file <${old.number}>`]);
    }
    const after = await this.#inode(path);
    if (after?.number !== fresh.number || after.sizeBytes !== bytes.length) throw readBackDiffers(path);
  }

  /** The new file beside the old one, whole. */
  async #writeDraft({ path, draft, folder, bytes, old, mode }: Draft): Promise<Inode> {
    await this.#change(path, [`cd <${folder}>`, `write ${CONTENT} ${DRAFT_NAME}`]);
    const fresh = await this.#inode(draft);
    if (fresh === null) throw readBackDiffers(draft);
    const bits = mode ?? old?.mode ?? MODE_OF_NEW;
    await this.#change(path, [
      `sif <${fresh.number}> mode 0${(REGULAR_FILE | bits).toString(8)}`,
      `sif <${fresh.number}> uid ${old?.userId ?? 0}`,
      `sif <${fresh.number}> gid ${old?.groupId ?? 0}`,
    ]);
    if (!(await this.#dump(fresh, path)).equals(bytes)) throw readBackDiffers(path);
    return fresh;
  }

  /** Gives the new file the extended attributes of the old one. The block that some of them lie in is handed over, and not copied:
   *  debugfs would not free it with the old file. */
  async #inherit(path: string, { old, fresh, attributes }: Inheritance): Promise<void> {
    let others = attributes;
    if (old.attributeBlock > 0 && old.linkCount === 1) {
      const blocks = fresh.blockCount + (await this.#blocksOfAttributes(path));
      await this.#change(path, [
        `sif <${fresh.number}> file_acl ${old.attributeBlock}`,
        `sif <${fresh.number}> blocks ${blocks}`,
        `sif <${old.number}> file_acl 0`,
      ]);
      others = await this.#attributesOf(old.number, path); // Those that are kept in the inode itself.
    }
    for (const name of others) {
      await this.#look(path, [`ea_get -r -f ${ATTRIBUTE} <${old.number}> ${name}`]);
      await this.#change(path, [`ea_set -r -f ${ATTRIBUTE} <${fresh.number}> ${name}`]);
    }
    const inherited = await this.#attributesOf(fresh.number, path);
    if (inherited.sort().join() !== attributes.toSorted().join()) throw readBackDiffers(path);
  }

  /** How much a block of attributes adds to what an inode counts, in units of 512 bytes. */
  async #blocksOfAttributes(path: string): Promise<number> {
    const { output } = await this.#look(path, ["show_super_stats -h"]);
    const bytes = /^Cluster size: +(\d+)/m.exec(output)?.[1] ?? /^Block size: +(\d+)/m.exec(output)?.[1];
    return Number(bytes) / 512;
  }

  async check(signal: AbortSignal): Promise<void> {
    const outcome = await this.#bench.run("e2fsck", {
      args: ["-f", "-n", this.#address],
      signal,
      msMax: CHECK_MS_MAX,
    });
    if (outcome.exitCode !== 0) throw toolFailed("e2fsck", "checking the partition", mostOf(outcome));
  }

  async #attributesOf(number: number, path: string): Promise<string[]> {
    const { output } = await this.#look(path, [`ea_list <${number}>`]);
    const names = output.split("\n").flatMap((line) => /^ +([a-z]+\.\S+) \(\d+\)/.exec(line)?.[1] ?? []);
    const odd = names.find((name) => !/^[\w.@:-]+$/.test(name));
    if (odd === undefined) return names.filter((name) => name !== INLINE_DATA);
    throw recipeRefused(
      `${path} has an attribute that cannot be kept: ${odd}.`,
      "Take the attribute from it in the master (setfattr -x), then make a new snapshot.",
    );
  }

  /** The folder's inode; folders that are missing are made. Links to folders on the way are followed, as a PC does. */
  async #makeFolder(path: string): Promise<number> {
    let number = ROOT_INODE;
    for (const prefix of prefixesOf(path)) {
      let folder = await this.#inode(`${prefix}/.`);
      if (folder === null) {
        if ((await this.#inode(prefix)) !== null) throw notAFolder(prefix);
        await this.#change(path, [`mkdir "${entryOf(prefix)}"`]);
        folder = await this.#inode(`${prefix}/.`);
      }
      if (folder === null || folder.type !== "directory") throw notAFolder(prefix);
      number = folder.number;
    }
    return number;
  }

  async #regularFile(path: string): Promise<Inode | null> {
    const inode = await this.#inode(path);
    if (inode === null || inode.type === "regular") return inode;
    throw notAFile(path, inode.type === "symlink" ? "a symbolic link" : `a ${inode.type}`);
  }

  async #inode(path: string): Promise<Inode | null> {
    const outcome = await this.#debugfs([`stat "${path}"`], []);
    if (NOT_FOUND.test(outcome.complaints) || /not a directory/.test(outcome.complaints)) return null;
    assertQuiet(outcome, path);
    return inodeIn(outcome);
  }

  async #dump({ number, sizeBytes }: Inode, path: string): Promise<Buffer> {
    await rm(join(this.#bench.folder, READ_BACK), { force: true });
    await this.#look(path, [`dump <${number}> ${READ_BACK}`]);
    const bytes = await readFile(join(this.#bench.folder, READ_BACK));
    if (bytes.length < sizeBytes) throw readBackDiffers(path);
    // Of a small file kept in its inode, debugfs gives the zeros after its end, too.
    return bytes.subarray(0, sizeBytes);
  }

  async #look(path: string, commands: readonly string[]): Promise<ToolOutcome> {
    const outcome = await this.#debugfs(commands, []);
    assertQuiet(outcome, path);
    return outcome;
  }

  async #change(path: string, commands: readonly string[]): Promise<ToolOutcome> {
    const outcome = await this.#debugfs(commands, ["-w"]);
    assertQuiet(outcome, path);
    return outcome;
  }

  async #debugfs(commands: readonly string[], options: readonly string[]): Promise<ToolOutcome> {
    const outcome = await this.#bench.run("debugfs", {
      args: [...options, "-f", "-", this.#address],
      input: `${commands.join("\n")}\n`,
    });
    const complaints = outcome.complaints
      .split("\n")
      .filter((line) => line.trim() !== "" && !BANNER.test(line));
    return { ...outcome, complaints: complaints.join("\n") };
  }
}

/** The same entry for commands that change its folder: they do not follow a link there, but do on the way to "." in it. */
function entryOf(path: string): string {
  return `${parentOf(path)}/./${path.slice(path.lastIndexOf("/") + 1)}`;
}

/** What `stat` says. */
function inodeIn(outcome: ToolOutcome): Inode {
  const field = (pattern: RegExp) => pattern.exec(outcome.output)?.[1] ?? "";
  return {
    number: Number(field(/^Inode: (\d+)/m)),
    type: field(/^Inode: \d+ +Type: (.+?) +Mode:/m),
    mode: Number.parseInt(field(/ Mode: +0*([0-7]+)/), 8) & 0o7777,
    userId: Number(field(/^User: +(\d+)/m)),
    groupId: Number(field(/ Group: +(\d+)/)),
    sizeBytes: Number(field(/ Size: (\d+)/)),
    linkCount: Number(field(/^Links: (\d+)/m)),
    blockCount: Number(field(/ Blockcount: (\d+)/)),
    attributeBlock: Number(field(/^File ACL: (\d+)/m)),
    flags: Number(field(/ Flags: (0x[0-9a-f]+)/)),
  };
}

function assertQuiet(outcome: ToolOutcome, path: string): void {
  if (outcome.exitCode !== 0 || outcome.complaints !== "") throw toolFailed("debugfs", `on ${path}`, outcome);
}

/** e2fsck complains on standard output, after lines about its passes. */
function mostOf(outcome: ToolOutcome): ToolOutcome {
  return {
    ...outcome,
    complaints: wordsOfTool({ ...outcome, complaints: outcome.output.replace(/^Pass \d.*\n/gm, "") }),
  };
}

function notAFolder(path: string) {
  return recipeRefused(`${path} is not a folder.`, "Correct the recipe: files can only be put into folders.");
}
