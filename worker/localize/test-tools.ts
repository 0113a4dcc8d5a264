// What the tests on real file systems stand on: programs of Debian, mounts, and a Linux of their own. Nothing is skipped: what is
// missing fails a test by its name and that of the package which brings it.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const MIB = 1024 * 1024;
/** Seconds by itself, minutes on a machine that does much else. */
export const LINUX_MS_MAX = 300_000;
const PATH = "/usr/sbin:/usr/bin:/sbin:/bin";

/** Program, or file of one, and the package it comes with. */
const PACKAGE_OF = {
  "/usr/sbin/mke2fs": "e2fsprogs",
  "/usr/sbin/e2fsck": "e2fsprogs",
  "/usr/sbin/mkfs.ntfs": "ntfs-3g",
  "/usr/bin/ntfsfix": "ntfs-3g",
  "/usr/bin/ntfscat": "ntfs-3g",
  "/usr/bin/ntfswipe": "ntfs-3g",
  "/usr/bin/ntfs-3g.probe": "ntfs-3g",
  "/usr/sbin/mkfs.fat": "dosfstools",
  "/usr/sbin/fsck.fat": "dosfstools",
  "/usr/bin/mcopy": "mtools",
  "/usr/bin/mdir": "mtools",
  "/usr/bin/mtype": "mtools",
  "/usr/bin/mdel": "mtools",
  "/usr/sbin/mkfs.btrfs": "btrfs-progs",
  "/usr/bin/btrfs": "btrfs-progs",
  "/usr/sbin/cryptsetup": "cryptsetup-bin",
  "/usr/bin/setfattr": "attr",
  "/usr/bin/mount": "mount",
  "/usr/bin/umount": "mount",
  "/usr/sbin/insmod": "kmod",
  "/usr/bin/linux.uml": "user-mode-linux",
  "/usr/bin/dpkg": "dpkg",
  "/usr/bin/apt-get": "apt",
  "/usr/bin/python3": "python3",
  "/bin/sh": "dash",
  "/bin/bash": "bash",
} as const;
type Program = keyof typeof PACKAGE_OF;

export interface ToolOptions {
  readonly cwd?: string;
  readonly input?: string | Buffer;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Standard output as it is. Throws with the program's name and words when it is missing or fails. */
export function tool(program: Program, args: readonly string[], options: ToolOptions = {}): Buffer {
  requirePrograms(program);
  return execFileSync(program, args, {
    stdio: "pipe",
    maxBuffer: 64 * MIB,
    timeout: 120_000,
    cwd: options.cwd,
    input: options.input,
    env: {
      ...process.env,
      PATH,
      LC_ALL: "C.UTF-8",
      HOME: "/tmp",
      MTOOLS_SKIP_CHECK: "1",
      ...options.environment,
    },
  });
}

export function requirePrograms(...programs: readonly Program[]): void {
  for (const program of programs)
    if (!existsSync(program)) throw new Error(`${program} is missing: install ${PACKAGE_OF[program]}.`);
}

/** Does something in a mounted image. Root alone may mount. */
export async function mounted<Result>(
  image: string,
  type: "ext4" | "ntfs-3g",
  options: readonly string[],
  work: (folder: string) => Result | Promise<Result>,
): Promise<Result> {
  if (process.getuid?.() !== 0) throw new Error(`Mounting ${image} needs root: run the tests as root.`);
  if (type === "ntfs-3g") requirePrograms("/usr/sbin/mkfs.ntfs");
  const folder = `${image}.mounted`;
  mkdirSync(folder, { recursive: true });
  tool("/usr/bin/mount", ["-t", type, "-o", ["loop", ...options].join(","), image, folder]);
  try {
    return await work(folder);
  } finally {
    tool("/usr/bin/umount", [folder]);
  }
}

/** Every file below a folder by its path. */
export function readTree(folder: string): Map<string, Buffer> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return new Map(
    files
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => [path.slice(folder.length + 1), readFileSync(path)]),
  );
}

/** Runs a shell script as the first process of a Linux of its own: user-mode Linux, a kernel that is a program. It has drivers which the
 *  kernel below may lack (FAT), and a name of its own that may be changed. It sees this system's files and cannot write them;
 *  `folder` is its /mnt, where it leaves what it found. `disks` are /dev/ubda, /dev/ubdb and so on, for reading. */
export function inOwnLinux(folder: string, disks: readonly string[], script: string): void {
  requirePrograms("/usr/bin/linux.uml", "/usr/sbin/insmod");
  const init = join(folder, "init.sh");
  const said = join(folder, "said");
  for (const left of [said, join(folder, "done")]) rmSync(left, { force: true });
  writeFileSync(init, `${BEFORE.replaceAll("FOLDER", folder)}${script}\n${AFTER}`, { mode: 0o755 });
  const { stdout, stderr, error } = spawnSync(
    "/usr/bin/linux.uml",
    [
      ...["mem=256M", "selinux=0", `uml_dir=${folder}`, "con=null", "ssl=null", "con0=null,fd:1", "quiet"],
      ...["rootfstype=hostfs", "rootflags=/", "ro", `init=${init}`],
      ...disks.map((disk, index) => `ubd${index}r=${disk}`),
    ],
    { stdio: ["ignore", "pipe", "pipe"], timeout: LINUX_MS_MAX, env: { ...process.env, PATH } },
  );
  if (existsSync(join(folder, "done"))) return;
  const words = existsSync(said) ? readFileSync(said, "utf8") : `${error ?? ""}\n${stdout}\n${stderr}`;
  throw new Error(`The script in a Linux of its own failed:\n${words.slice(-4000)}`);
}

const BEFORE = `#!/bin/sh
export PATH=${PATH} LC_ALL=C.UTF-8 HOME=/root
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
mount -t hostfs -o FOLDER none /mnt
exec >/mnt/said 2>&1
(
set -eux
for module in fat/fat fat/vfat nls/nls_cp437 nls/nls_iso8859-1; do
  insmod "/usr/lib/uml/modules/$(uname -r)/kernel/fs/$module.ko"
done
`;
const AFTER = `touch /mnt/done
)
halt -f -p
`;

export function emptyFolder(path: string): string {
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { recursive: true });
  return path;
}
