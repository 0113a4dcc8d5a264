// What must not be replaced is refused, with the reason, on partitions as their own programs make them: encrypted, with checksums of
// what is in files, compressed, in use. And what cannot be found in the bytes is missed by its number. Needs root for mounts.
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeFatVolume } from "#lib/localize/fat-volume.ts";
import { NtfsRecords } from "#lib/localize/ntfs-records.ts";
import { checkMaster, render } from "#lib/localize/render.ts";
import type { LocalizationSpec, TokenScan } from "#lib/model/localization.ts";
import { openLocalizedImages } from "./localize-images.ts";
import { scanSnapshot } from "./scan-snapshot.ts";
import {
  type Archive,
  type Files,
  makeExt4,
  makeNtfs,
  noise,
  openArchive,
  writeOut,
} from "./test-masters.ts";
import { emptyFolder, tool } from "./test-tools.ts";

const MIB = 1024 * 1024;
const TOKEN = "@@host_name__________@@";
let folder: string;
let archive: Archive;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sheepfold-refusals-"));
  archive = await openArchive(join(folder, "repository"));
});
afterAll(async () => {
  await archive.close();
  rmSync(folder, { recursive: true, force: true });
});

const imageFile = (name: string) => join(folder, `${name}.img`);
const text = (words: string): Files => new Map([["etc/hostname", Buffer.from(words)]]);

async function look(image: string): Promise<{ snapshotId: string; scan: TokenScan }> {
  const { id } = await archive.archive(new Map([["p1", image]]));
  return { snapshotId: id, scan: await scanSnapshot(archive.repository, id) };
}

/** Each token once, but for those that say otherwise. */
const declaring = (...names: (string | readonly [string, number])[]): LocalizationSpec => ({
  ...{ identityImage: null, recipes: [] },
  tokens: names.map((name) =>
    typeof name === "string"
      ? { name, padding: "space", count: 1 }
      : { name: name[0], padding: "space", count: name[1] },
  ),
});
const refusalOf = (spec: LocalizationSpec, scan: TokenScan): string => {
  try {
    checkMaster(spec, scan, ["p1"]);
  } catch (thrown) {
    expect(thrown).toMatchObject({ code: "localization-refused" });
    return `${(thrown as Error).message} ${(thrown as { hint?: string }).hint}`;
  }
  return "";
};

test("btrfs, which would take the new bytes for damage", async () => {
  const image = imageFile("btrfs");
  const files = emptyFolder(join(folder, "btrfs-files"));
  writeFileSync(join(files, "large.bin"), Buffer.concat([noise(1, MIB), Buffer.from(TOKEN)]));
  writeFileSync(image, "");
  truncateSync(image, 112 * MIB);
  tool("/usr/sbin/mkfs.btrfs", ["-q", "--rootdir", files, image]);
  const { scan } = await look(image);
  expect(scan[0]?.tokens).toHaveLength(1);
  expect(refusalOf(declaring("host_name"), scan)).toContain("btrfs, which keeps checksums");
  const check = () => tool("/usr/bin/btrfs", ["check", "--check-data-csum", image]);
  check();
  const bytes = readFileSync(image);
  bytes.write("lab-a-17", scan[0]?.tokens[0]?.offsetBytes);
  writeFileSync(image, bytes);
  expect(check).toThrow(/csum|checksum/);
});

test("LUKS, where what is found is not what a PC reads", async () => {
  const image = imageFile("luks");
  writeFileSync(image, Buffer.concat([Buffer.alloc(19 * MIB), Buffer.from(TOKEN), Buffer.alloc(MIB)]));
  truncateSync(image, 20 * MIB);
  const quick = ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"];
  tool("/usr/sbin/cryptsetup", ["luksFormat", "--batch-mode", ...quick, "--key-file", "-", image], {
    input: "a key",
  });
  const { scan } = await look(image);
  expect(scan[0]?.tokens).toHaveLength(1);
  expect(refusalOf(declaring("host_name"), scan)).toContain("encrypted by LUKS");
});

test("ext4 as it lies on the disk while it is in use, and not once it is unmounted", async () => {
  const inUse = imageFile("ext4-in-use");
  const unmounted = imageFile("ext4");
  await makeExt4(unmounted, text(`${TOKEN}\n`), inUse);
  expect(refusalOf(declaring("host_name"), (await look(inUse)).scan)).toContain("was not unmounted");
  expect(refusalOf(declaring("host_name"), (await look(unmounted)).scan)).toBe("");
});

describe("NTFS", () => {
  test("a token in a compressed file is refused where its bytes are seen, and missed where they are not", async () => {
    const image = imageFile("ntfs-compressed");
    const words = Array.from({ length: 40_000 }, (_, line) => `line ${line} of a file that gets smaller\n`);
    words[20_000] = "@@in_text____________@@\n";
    const large = Buffer.concat([
      Buffer.from(words.join("")),
      noise(1, 200_000),
      Buffer.from("@@in_noise___________@@"),
      noise(2, 100_000),
    ]);
    await makeNtfs(
      image,
      text("@@beside_____________@@"),
      new Map([
        ["large.bin", large],
        ["small.txt", Buffer.from("@@small_____@@")],
      ]),
    );
    // What ntfs-3g wrote before it had enough to compress lies there still.
    tool("/usr/bin/ntfswipe", ["--force", "--unused", "--bytes", "0", image]);
    expect(tool("/usr/bin/ntfscat", [image, "compressed/large.bin"]).equals(large)).toBe(true);
    const { scan } = await look(image);
    expect(scan[0]?.tokens.map(({ name }) => name).sort()).toEqual(["beside", "in_noise", "small"]);
    expect(refusalOf(declaring("in_noise"), scan)).toContain("in_noise");
    expect(refusalOf(declaring("in_noise"), scan)).toContain("lies in a file that NTFS compresses");
    expect(refusalOf(declaring("in_text"), scan)).toMatch(/in_text is nowhere.* may be compressed/);
    // A file so small that it lies in its record is not compressed, in whatever folder.
    expect(refusalOf(declaring("beside", "small"), scan)).toBe("");
  });

  test("in a small file inside the table of files a token is replaced, and missed when it lies across a sector's end", async () => {
    const image = imageFile("ntfs-small");
    const names = Array.from({ length: 22 }, (_, index) => `seat_${String.fromCharCode(97 + index)}`);
    const before = names.map((name) => `@@${name.padEnd(16, "_")}@@`).join("");
    await makeNtfs(image, text(before));
    const { scan, snapshotId } = await look(image);
    const found = names.filter((name) => scan[0]?.tokens.some((token) => token.name === name));
    const missed = names.filter((name) => !found.includes(name));
    expect(missed).toHaveLength(1);
    expect(refusalOf(declaring(...missed), scan)).toMatch(
      /is nowhere.*across a sector's end in an NTFS file record/,
    );
    expect(refusalOf(declaring(...found), scan)).toBe("");

    const values = Object.fromEntries(found.map((name) => [name, `is ${name}`]));
    const tokens = found.map((name) => ({ name, padding: "space" as const }));
    const content = { values, sealed: {}, files: [], identityImage: null, tokens, recipes: [] };
    const images = await openLocalizedImages(
      archive.repository,
      snapshotId,
      render(content, scan, () => ""),
      new AbortController().signal,
    );
    const localized = imageFile("ntfs-small-localized");
    for (const one of images.values()) {
      await writeOut(one, 48 * MIB, localized);
      one.close();
    }
    tool("/usr/bin/ntfsfix", ["-n", localized]);
    expect(tool("/usr/bin/ntfscat", [localized, "etc/hostname"]).toString()).toBe(
      before.replace(/@@(seat_[a-z])_*@@/g, (token, name: string) =>
        missed.includes(name) ? token : `is ${name}`.padEnd(20),
      ),
    );
  });

  test("that Windows has not let go of, as ntfs-3g judges it too", async () => {
    const image = imageFile("ntfs-log");
    await makeNtfs(image, text("@@host_name__________@@".repeat(60)));
    const bytes = readFileSync(image);
    let logOffset = 0;
    new NtfsRecords().push(bytes, 0, ({ number, attributes }) => {
      if (number === 2) logOffset = attributes[0]?.stretches[0]?.offsetBytes ?? 0;
    });
    const judged = async (page: Buffer) => {
      page.copy(bytes, logOffset);
      page.copy(bytes, logOffset + page.length);
      writeFileSync(image, bytes);
      const { scan } = await look(image);
      return { ours: refusalOf(declaring(["host_name", 60]), scan), theirs: probe(image) };
    };
    expect(await judged(restartPage({ flags: 2, majorVersion: 1 }))).toEqual({
      ours: "",
      theirs: "mountable",
    });
    expect(await judged(restartPage({ flags: 0, majorVersion: 1 }))).toEqual({
      ours: expect.stringContaining("Windows has not let go"),
      theirs: "unclean",
    });
    expect(await judged(restartPage({ flags: 2, majorVersion: 2 }))).toEqual({
      ours: expect.stringContaining("Windows has not let go"),
      theirs: "hibernated",
    });
  });
});

/** What ntfs-3g would say to mounting it for writing. */
function probe(image: string): string {
  try {
    tool("/usr/bin/ntfs-3g.probe", ["--readwrite", image]);
    return "mountable";
  } catch (thrown) {
    const status = (thrown as { status?: number }).status;
    return { 14: "hibernated", 15: "unclean" }[status ?? 0] ?? String(thrown);
  }
}

/** One page at the beginning of $LogFile as Windows writes it, in use by one client, for a log of two MiB. */
function restartPage({ flags, majorVersion }: { flags: number; majorVersion: number }): Buffer {
  const page = Buffer.alloc(4096);
  page.write("RSTR", 0, "latin1");
  page.writeUInt16LE(30, 4); // the update sequence: where, and how many
  page.writeUInt16LE(9, 6);
  page.writeUInt32LE(4096, 16);
  page.writeUInt32LE(4096, 20);
  page.writeUInt16LE(48, 24);
  page.writeUInt16LE(majorVersion === 2 ? 0 : 1, 26);
  page.writeUInt16LE(majorVersion, 28);
  const area = page.subarray(48);
  area.writeBigUInt64LE(1000n, 0);
  area.writeUInt16LE(1, 8);
  area.writeUInt16LE(0xffff, 10);
  area.writeUInt16LE(0, 12);
  area.writeUInt16LE(flags, 14);
  area.writeUInt32LE(67 - 22, 16); // 2 MiB take 22 bits
  area.writeUInt16LE(48 + 160, 20);
  area.writeUInt16LE(48, 22);
  area.writeBigUInt64LE(BigInt(2 * MIB), 24);
  area.writeUInt16LE(48, 36);
  area.writeUInt16LE(64, 38);
  const client = area.subarray(48);
  client.writeUInt16LE(0xffff, 16);
  client.writeUInt16LE(0xffff, 18);
  client.writeUInt32LE(8, 28);
  client.write("NTFS", 32, "utf16le");
  page.writeUInt16LE(7, 30);
  for (let sector = 1; sector <= 8; sector += 1) page.writeUInt16LE(7, sector * 512 - 2);
  return page;
}

test("a token that the file system cut in two is missed by its number", async () => {
  const image = imageFile("fat-fragments");
  const filler = (index: number) => ({ path: `F${index}`, bytes: Buffer.alloc(512, index) });
  const files = Array.from({ length: 90 }, (_, index) => filler(index));
  writeFileSync(image, makeFatVolume({ label: "FULL", sizeBytes: 64 * 1024, files }));
  tool("/usr/bin/mcopy", ["-i", image, "-", "::/LAST"], { input: Buffer.alloc(freeBytes(image)) });
  tool("/usr/bin/mdel", ["-i", image, "::/F30", "::/F60"]);
  const across = Buffer.concat([Buffer.alloc(500), Buffer.from(TOKEN), Buffer.alloc(100)]);
  tool("/usr/bin/mcopy", ["-i", image, "-", "::/ACROSS"], { input: across });
  expect(tool("/usr/bin/mtype", ["-i", image, "::/ACROSS"]).equals(across)).toBe(true);
  const { scan } = await look(image);
  expect(refusalOf(declaring("host_name"), scan)).toContain("host_name is nowhere");
});

/** As mdir says it at the end of its list. */
function freeBytes(image: string): number {
  const listed = tool("/usr/bin/mdir", ["-i", image, "::"]).toString();
  return Number(/([\d ]+) bytes free/.exec(listed)?.[1]?.replaceAll(" ", ""));
}
