// The clones set: a master partition with real files, and PCs made from it. Each clone is the master, mounted, with its
// identity put in by localize.ts and a first day of use; mounting changes the journal and the superblock as it does on
// a real PC. Clones are made one at a time, since all of them at once would fill a disk. Needs root.
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ImageRecipe } from "./image-set.ts";
import { hiveOf, logLines } from "./machine-files.ts";
import { inMountedImage, runShell } from "./mounted.ts";
import { chooseFiles, makeFileSystem } from "./source-files.ts";

const USED_SHARE = 0.65;
const LOG_BYTES = 4 * 1024 * 1024;

export const clones: ImageRecipe = {
  name: "clones",
  what: "a master partition and localized clones of it",
  version: 2,
  sizeBytesDefault: 2 * 2 ** 30,
  rollBackTo: "master",
  generations: (folder) => [{ name: "master", what: "the master", path: join(folder, "master.img") }],
  async make([master], sizeBytes) {
    if (master === undefined) throw new Error("Bug: no path for the master.");
    const unfinished = `${master.path}.unfinished`;
    const files = await chooseFiles(sizeBytes * USED_SHARE);
    await makeFileSystem(unfinished, sizeBytes, files, addMachineFiles);
    await rename(unfinished, master.path);
  },
};

/** What an installed PC has beside its programs, and a clone gets anew. */
async function addMachineFiles(folder: string): Promise<void> {
  const log = logLines("master", 0, LOG_BYTES);
  const files: readonly (readonly [string, string | Buffer])[] = [
    ["etc/hostname", "master\n"],
    ["etc/hosts", "127.0.0.1 localhost\n127.0.1.1 master\n"],
    ["etc/machine-id", "uninitialized\n"],
    ["etc/cups/printers.conf", "# no printer yet\n"],
    ["etc/licence.key", "unlicensed\n"],
    ["var/lib/machine/settings.hive", hiveOf("master")],
    ["var/log/syslog", log],
    ["var/log/journal/system.journal", log.subarray(0, LOG_BYTES / 2)],
    ["home/pupil/.config/desktop.ini", "[Desktop]\nTheme=default\n"],
  ];
  for (const [name, content] of files) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
}

/** Makes clone `number` (from 1) of the master in a new file. */
export async function makeClone(master: string, clone: string, number: number): Promise<void> {
  await rm(clone, { force: true });
  await runShell("cp", ["--sparse=always", "--reflink=never", master, clone]);
  const program = fileURLToPath(new URL("./localize.ts", import.meta.url));
  await inMountedImage(clone, `"${process.execPath}" "${program}" "$ROOT" ${number}`);
}
