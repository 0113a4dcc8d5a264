// The table of every reason not to write onto a target, and of every target that is fine.
import { expect, test } from "vitest";
import { type RestoreWish, reasonNotToRestore, type TargetFacts } from "./target-guards.ts";

const IMAGE_BYTES = 1_000_000;

const DEVICE: TargetFacts = {
  given: "/dev/sdb1",
  path: "/dev/sdb1",
  folderExists: true,
  isLink: false,
  kind: "block-device",
  sizeBytes: IMAGE_BYTES,
  readOnly: false,
  mounts: [],
  usedAsSwap: false,
  holders: [],
  idleLoops: [],
  partitions: [],
  busy: false,
  signature: "ext2/3/4",
  insideRepository: false,
};
const FILE: TargetFacts = { ...DEVICE, given: "pc01.img", path: "/images/pc01.img", kind: "file" };
const ABSENT: TargetFacts = { ...FILE, kind: "absent", sizeBytes: 0, signature: null };

const WISH: RestoreWish = {
  imageBytes: IMAGE_BYTES,
  imageSignature: "ext2/3/4",
  allowLarger: false,
  overwriteOther: false,
};
const LARGER: RestoreWish = { ...WISH, allowLarger: true };
const OTHER: RestoreWish = { ...WISH, overwriteOther: true };
const BOTH: RestoreWish = { ...LARGER, overwriteOther: true };

const fine: [string, TargetFacts, RestoreWish][] = [
  ["a device of the same size with the same file system", DEVICE, WISH],
  ["a file of the same size", FILE, WISH],
  ["a file still to be made", ABSENT, WISH],
  ["a device whose start is destroyed", { ...DEVICE, signature: "unknown" }, WISH],
  ["a blank device", { ...DEVICE, signature: "empty" }, WISH],
  ["a link to an existing file", { ...FILE, isLink: true }, WISH],
  ["a larger device, when told", { ...DEVICE, sizeBytes: IMAGE_BYTES + 512 }, LARGER],
  ["a device with another file system, when told", { ...DEVICE, signature: "NTFS" }, OTHER],
  ["a disk with partitions, when told", { ...DEVICE, partitions: ["sdb1"] }, OTHER],
  ["a file attached to an unmounted loop device, when told", { ...FILE, idleLoops: ["loop0"] }, OTHER],
];

for (const [name, target, wish] of fine) {
  test(`restore accepts ${name}`, () => expect(reasonNotToRestore(target, wish)).toBeNull());
}

const refused: [string, TargetFacts, RestoreWish, string, RegExp][] = [
  [
    "a mounted device, whatever it is told",
    { ...DEVICE, mounts: [{ mountPoint: "/mnt/a", readOnly: false }] },
    BOTH,
    "target-mounted",
    /mounted at \/mnt\/a/,
  ],
  [
    "a device mounted read-only",
    { ...DEVICE, mounts: [{ mountPoint: "/mnt/a", readOnly: true }] },
    BOTH,
    "target-mounted",
    /mounted/,
  ],
  [
    "a file that backs a mounted loop device",
    { ...FILE, mounts: [{ mountPoint: "/mnt/b", readOnly: false }] },
    BOTH,
    "target-mounted",
    /\/mnt\/b/,
  ],
  ["swap", { ...DEVICE, usedAsSwap: true }, BOTH, "target-mounted", /swap/],
  ["a part of LVM or RAID", { ...DEVICE, holders: ["dm-0"] }, BOTH, "target-mounted", /dm-0/],
  ["a device the kernel says is in use", { ...DEVICE, busy: true }, BOTH, "target-mounted", /in use/],
  ["too small a device", { ...DEVICE, sizeBytes: IMAGE_BYTES - 1 }, BOTH, "target-too-small", /999999 bytes/],
  ["an empty existing file", { ...FILE, sizeBytes: 0, signature: null }, BOTH, "target-too-small", /0 bytes/],
  [
    "a larger device",
    { ...DEVICE, sizeBytes: IMAGE_BYTES + 1 },
    OTHER,
    "target-other-purpose",
    /1000001 bytes/,
  ],
  ["a device with NTFS", { ...DEVICE, signature: "NTFS" }, LARGER, "target-other-purpose", /holds NTFS/],
  ["a disk with partitions", { ...DEVICE, partitions: ["sdb1"] }, LARGER, "target-other-purpose", /sdb1/],
  [
    "a file attached to a loop device",
    { ...FILE, idleLoops: ["loop7"] },
    LARGER,
    "target-other-purpose",
    /loop7/,
  ],
  ["a folder", { ...FILE, kind: "folder", sizeBytes: 0 }, BOTH, "target-other-purpose", /folder/],
  ["a pipe", { ...FILE, kind: "other", sizeBytes: 0 }, BOTH, "target-other-purpose", /neither/],
  ["a file in no folder", { ...ABSENT, folderExists: false }, BOTH, "target-missing", /no folder \/images/],
  ["a link to nothing", { ...ABSENT, isLink: true }, BOTH, "target-other-purpose", /link/],
  [
    "a place inside the repository",
    { ...ABSENT, insideRepository: true },
    BOTH,
    "target-other-purpose",
    /inside/,
  ],
  ["a device set read-only", { ...DEVICE, readOnly: true }, BOTH, "target-other-purpose", /read-only/],
];

for (const [name, target, wish, code, words] of refused) {
  test(`restore refuses ${name}`, () => {
    const reason = reasonNotToRestore(target, wish);
    expect(reason?.code).toBe(code);
    expect(reason?.message).toMatch(words);
    expect(reason?.hint).not.toBe("");
  });
}
