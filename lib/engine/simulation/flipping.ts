// Rot in a real folder: one bit flips, anywhere in any file of a repository. Opening or verify names the file, or it is one
// that nothing is lost with (index and scrub results are caches, the reserve has no content); and whatever is restored is
// right or fails by name. Then the bit is put back and the next one flips.
import { chmod, open as openFile } from "node:fs/promises";
import { join } from "node:path";
import { Chance } from "#lib/model/chance.ts";
import { createRepository, openRepository } from "../repository.ts";
import { openLocalDisk } from "../storage/local-disk.ts";
import type { Storage } from "../storage/storage.ts";
import type { Repository, RepositoryKey } from "../types.ts";
import { isExpendable } from "./damage.ts";
import { changedDisk, newDisk, sourceOf, targetOf } from "./disk.ts";
import { claim } from "./model-repository.ts";
import { claimSame, outcomeOf } from "./world.ts";

export interface FlipRequest {
  /** Empty; a repository is made in it. */
  readonly folder: string;
  readonly flips: number;
  readonly seed: number;
  /** Of a repository that is to be encrypted. */
  readonly key?: RepositoryKey;
  readonly onFlip?: (count: number) => void;
}

export interface FlipReport {
  readonly flipCount: number;
  /** Named by verify, or by the refusal to open. */
  readonly namedCount: number;
  /** In a file that nothing is lost with: all images restored rightly. */
  readonly harmlessCount: number;
  readonly rightRestoreCount: number;
  /** Restores that failed by name. */
  readonly refusedRestoreCount: number;
}

/** By "snapshot id/partition". */
type Contents = ReadonlyMap<string, Uint8Array>;

const DISK_BYTES = 400_000;

/** A file of every kind: all techniques, manifests with inner nodes and without, pins, a ledger, scrub results, a reserve. */
export async function makeRottingRepository(
  folder: string,
  seed: number,
  key?: RepositoryKey,
): Promise<Contents> {
  const chance = new Chance(seed);
  const storage = await openLocalDisk(folder);
  await createRepository({ storage, blockSize: 4096, reserveBytes: 65_536, key });
  const repository = await openRepository({ storage, access: "write", threads: 0, key });
  const contents = new Map<string, Uint8Array>();
  const gone: string[] = [];
  for (const technique of ["full", "repository", "diff", "repository"] as const) {
    for (const node of ["pc-1", "pc-2"]) {
      const before = [...contents.values()].at(-1);
      const bytes = before === undefined ? newDisk(chance, DISK_BYTES) : changedDisk(before, chance, []);
      const session = await repository.beginArchive({ node, technique });
      await session.archiveSource({ partition: "sda1" }, sourceOf(bytes));
      const { id } = await session.commit();
      contents.set(`${id}/sda1`, bytes);
    }
  }
  // Something only a pruned snapshot needed, so that there is a ledger and a pack that GC has freed.
  const session = await repository.beginArchive({ node: "pc-3" });
  await session.archiveSource({ partition: "sda1" }, sourceOf(chance.bytes(DISK_BYTES)));
  gone.push((await session.commit()).id);
  await repository.pin(repository.snapshots()[0]?.id ?? "", "stays");
  await repository.prune({ snapshotIds: gone });
  await repository.collectGarbage();
  await repository.scrub({ deep: true });
  await repository.close();
  await storage.close();
  return contents;
}

/** Throws at the first flip that is not found, or that changes a restored byte. */
export async function flipEverywhere({ folder, flips, seed, key, onFlip }: FlipRequest): Promise<FlipReport> {
  const contents = await makeRottingRepository(folder, seed, key);
  const chance = new Chance(seed + 1);
  const storage = await openLocalDisk(folder);
  const files = (await storage.list("")).filter((file) => file.sizeBytes > 0);
  const counts = { namedCount: 0, harmlessCount: 0, rightRestoreCount: 0, refusedRestoreCount: 0 };
  for (let flip = 1; flip <= flips; flip++) {
    const place = anyPlace(files, chance);
    const judged = await judgeFlip({ storage, folder, contents, key }, place, chance.happens(0.5));
    if (judged.isNamed) counts.namedCount += 1;
    else counts.harmlessCount += 1;
    counts.rightRestoreCount += judged.right;
    counts.refusedRestoreCount += judged.refused;
    onFlip?.(flip);
  }
  await storage.close();
  return { flipCount: flips, ...counts };
}

interface Place {
  readonly name: string;
  readonly bitIndex: number;
}

/** Half of them in any byte of the store, which is mostly in packs; half in any file, most of which are small. */
function anyPlace(files: readonly { name: string; sizeBytes: number }[], chance: Chance): Place {
  let file = chance.pick(files);
  if (chance.happens(0.5)) {
    let left = chance.float() * files.reduce((sum, each) => sum + each.sizeBytes, 0);
    for (const each of files) {
      if (left < each.sizeBytes) {
        file = each;
        break;
      }
      left -= each.sizeBytes;
    }
  }
  return { name: file.name, bitIndex: chance.between(0, file.sizeBytes * 8 - 1) };
}

async function flipBit(folder: string, { name, bitIndex }: Place): Promise<void> {
  const path = join(folder, name);
  await chmod(path, 0o640); // Sealed files are read-only; rot does not ask.
  const handle = await openFile(path, "r+");
  try {
    const byte = new Uint8Array(1);
    await handle.read(byte, 0, 1, bitIndex >> 3);
    byte[0] = (byte[0] ?? 0) ^ (1 << (bitIndex & 7));
    await handle.write(byte, 0, 1, bitIndex >> 3);
  } finally {
    await handle.close();
  }
}

interface Judgement {
  readonly isNamed: boolean;
  readonly right: number;
  readonly refused: number;
}

interface RottingStore {
  readonly storage: Storage;
  readonly folder: string;
  readonly contents: Contents;
  readonly key: RepositoryKey | undefined;
}

async function judgeFlip(
  { storage, folder, contents, key }: RottingStore,
  place: Place,
  flipsAfterOpening: boolean,
): Promise<Judgement> {
  const open = () => openRepository({ storage, access: "read", threads: 0, key });
  const early = flipsAfterOpening ? await open() : null;
  await flipBit(folder, place);
  try {
    const opened = early === null ? await outcomeOf(open) : { value: early };
    if ("value" in opened) return await judgeOpen(opened.value, place, contents);
    claim(
      opened.failure.message.includes(place.name),
      `bit ${place.bitIndex} of ${place.name} keeps the repository shut with: ${opened.failure.message}`,
    );
    return { isNamed: true, right: 0, refused: 0 };
  } finally {
    await flipBit(folder, place);
  }
}

async function judgeOpen(repository: Repository, place: Place, contents: Contents): Promise<Judgement> {
  try {
    const where = `bit ${place.bitIndex} of ${place.name}`;
    const { findings } = await repository.verify();
    const isNamed = findings.some(({ file }) => file === place.name);
    claim(
      isNamed || isExpendable(place.name),
      `${where} is not named by verify: ${JSON.stringify(findings)}`,
    );
    let right = 0;
    for (const [key, bytes] of contents) {
      const [id = "", partition = ""] = key.split("/");
      const target = targetOf(new Uint8Array(bytes.length));
      const outcome = await outcomeOf(() => repository.restore(id, partition, target));
      if ("failure" in outcome) continue;
      claimSame(target.bytes, bytes, `${where}: ${key}`);
      right += 1;
    }
    const refused = contents.size - right;
    claim(isNamed || refused === 0, `${where} is called harmless, and ${refused} images do not restore`);
    return { isNamed, right, refused };
  } finally {
    await repository.close();
  }
}
