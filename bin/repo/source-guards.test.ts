// The table of sources that are not archived, and why.
import { expect, test } from "vitest";
import { reasonNotToArchive, type SourceFacts } from "./source-guards.ts";

const DEVICE: SourceFacts = {
  given: "/dev/sdb1",
  path: "/dev/sdb1",
  folderExists: true,
  isLink: false,
  kind: "block-device",
  sizeBytes: 4096,
  readOnly: false,
  mounts: [],
  usedAsSwap: false,
  holders: [],
  idleLoops: [],
  partitions: [],
  busy: false,
  insideRepository: false,
};
const WRITABLE_MOUNT = { mountPoint: "/home", readOnly: false };
const READ_ONLY_MOUNT = { mountPoint: "/mnt", readOnly: true };

const table: [string, SourceFacts, boolean, string | null][] = [
  ["an unmounted device", DEVICE, false, null],
  ["a device mounted read-only", { ...DEVICE, mounts: [READ_ONLY_MOUNT] }, false, null],
  ["a device that is write-protected", { ...DEVICE, readOnly: true }, false, null],
  ["a mounted device with --live", { ...DEVICE, mounts: [WRITABLE_MOUNT] }, true, null],
  ["a mounted device", { ...DEVICE, mounts: [READ_ONLY_MOUNT, WRITABLE_MOUNT] }, false, "source-mounted"],
  ["swap in use", { ...DEVICE, usedAsSwap: true }, false, "source-mounted"],
  ["nothing", { ...DEVICE, kind: "absent", sizeBytes: 0 }, true, "source-missing"],
  ["a link to nothing", { ...DEVICE, kind: "absent", isLink: true }, true, "source-missing"],
  ["a folder", { ...DEVICE, kind: "folder" }, true, "source-unsuitable"],
  ["a pipe", { ...DEVICE, kind: "other" }, true, "source-unsuitable"],
  ["an empty file", { ...DEVICE, kind: "file", sizeBytes: 0 }, true, "source-unsuitable"],
  [
    "a file of the repository",
    { ...DEVICE, kind: "file", insideRepository: true },
    true,
    "source-unsuitable",
  ],
];

for (const [name, source, live, code] of table) {
  test(`archive ${code === null ? "accepts" : "refuses"} ${name}`, () => {
    expect(reasonNotToArchive(source, { live })?.code ?? null).toBe(code);
  });
}
