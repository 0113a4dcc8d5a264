// Real files to fill a partition with: those of /usr of the machine the benchmark runs on, chosen in the order of a
// hash of their path. A fair mix, and the same choice each time on the same machine.
import { createHash } from "node:crypto";
import { access, constants, copyFile, mkdir, opendir, rm, stat, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import { runShell } from "./mounted.ts";

export interface SourceFile {
  readonly path: string;
  readonly sizeBytes: number;
}

const TREE = "/usr";
const FILE_BYTES_MAX = 64 * 1024 * 1024;
const FIXED_SECONDS = 1_700_000_000;
const FIXED_UUID = "5eee9f01-d000-4000-8000-000000000001";

/** Times inside the file system are the same from run to run. */
export const FIXED_TIME = { E2FSPROGS_FAKE_TIME: `${FIXED_SECONDS}` };

export async function chooseFiles(bytesWanted: number): Promise<SourceFile[]> {
  const paths: string[] = [];
  for await (const entry of await opendir(TREE, { recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    // debugfs reads its commands from lines of words: names with other characters are left out.
    if (entry.isFile() && /^[\w./+@-]+$/.test(path)) paths.push(path);
  }
  const keyed = paths.map((path) => ({ path, key: createHash("sha1").update(path).digest("hex") }));
  keyed.sort((a, b) => (a.key < b.key ? -1 : 1));
  // One large file must not fill a small partition.
  const fileBytesMax = Math.min(FILE_BYTES_MAX, bytesWanted / 16);
  const files: SourceFile[] = [];
  let bytes = 0;
  for (const { path } of keyed) {
    const sizeBytes = (await stat(path)).size;
    if (sizeBytes === 0 || sizeBytes > fileBytesMax || !(await isReadable(path))) continue;
    files.push({ path, sizeBytes });
    bytes += sizeBytes;
    if (bytes > bytesWanted * 1.02) return files;
  }
  throw new Error(`${TREE} has only ${bytes} bytes of files: choose a smaller --size.`);
}

async function isReadable(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(
    () => true,
    () => false,
  );
}

/** An ext4 image with these files, and whatever `addMore` puts beside them, without mounting anything. */
export async function makeFileSystem(
  image: string,
  sizeBytes: number,
  files: readonly SourceFile[],
  addMore: (folder: string) => Promise<void> = async () => undefined,
): Promise<void> {
  const stage = `${image}.stage`;
  await rm(stage, { recursive: true, force: true });
  for (const { path } of files) {
    const copy = join(stage, path);
    await mkdir(dirname(copy), { recursive: true });
    await copyFile(path, copy);
    await utimes(copy, FIXED_SECONDS, FIXED_SECONDS);
  }
  await addMore(stage);
  const extended = `hash_seed=${FIXED_UUID},lazy_itable_init=0,root_owner=0:0`;
  const options = ["-q", "-F", "-t", "ext4", "-L", "bench", "-U", FIXED_UUID, "-E", extended, "-d", stage];
  await rm(image, { force: true });
  await runShell("mke2fs", [...options, image, `${Math.floor(sizeBytes / 1024)}k`], FIXED_TIME);
  await rm(stage, { recursive: true });
}
