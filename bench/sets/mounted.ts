// inMountedImage runs a shell script with an image's ext4 file system mounted, in mount and process namespaces of its
// own: whatever the script mounts or leaves running is gone when it ends, even after an error or Ctrl-C.
//
// The script finds the file system in "$ROOT". Needs root and a Linux with loop devices.
import { spawn } from "node:child_process";
import { mkdtemp, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PRELUDE = `set -euo pipefail
mount -o loop "$IMAGE" "$ROOT"
`;
const EPILOGUE = `
cd /
umount --recursive "$ROOT"
`;
const OUTPUT_CHARACTERS_MAX = 8000;

export async function inMountedImage(image: string, script: string): Promise<void> {
  if (process.getuid?.() !== 0)
    throw new Error("This set mounts images, so it needs root. Use --set synthetic.");
  const root = await mkdtemp(join(tmpdir(), "sheepfold-bench-root-"));
  try {
    const isolated = [
      "--mount",
      "--propagation",
      "private",
      "--pid",
      "--fork",
      "--kill-child",
      "--mount-proc",
    ];
    await runShell("unshare", [...isolated, "bash", "-c", PRELUDE + script + EPILOGUE], {
      IMAGE: image,
      ROOT: root,
    });
  } finally {
    await rmdir(root);
  }
}

/** Runs a command quietly; what it said last becomes part of the error when it fails. */
export async function runShell(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const child = spawn(program, args, {
    env: {
      ...process.env,
      ...env,
      PATH: `${process.env.PATH}:/usr/sbin:/sbin`,
      DEBIAN_FRONTEND: "noninteractive",
      LC_ALL: "C.UTF-8",
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const keep = (text: string) => {
    output = (output + text).slice(-OUTPUT_CHARACTERS_MAX);
  };
  child.stdout.setEncoding("utf8").on("data", keep);
  child.stderr.setEncoding("utf8").on("data", keep);
  await new Promise<void>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${program} ended with ${signal ?? code}:\n${output}`));
    });
  });
}
