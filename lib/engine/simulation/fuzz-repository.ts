// A whole repository in which one file is hostile, opened for writing and put to every use. Whatever the file says, each
// use answers or fails by name, with memory and time in bounds.
import { createHash } from "node:crypto";
import { Chance } from "#lib/model/chance.ts";
import { CodedError } from "#lib/model/errors.ts";
import { createRepository, openRepository } from "../repository.ts";
import { type MemoryStorage, memoryStorage } from "../storage/memory.ts";
import { newTableLayout } from "../store/fingerprint-table.ts";
import type { Repository, RepositoryKey } from "../types.ts";
import { sourceOf, targetOf } from "./disk.ts";
import type { FuzzTarget } from "./fuzz.ts";
import { mutated, mutatedText } from "./hostile.ts";

const DISK_BYTES = 300_000;

/** A repository with a file of every kind. */
async function sampleRepository(key: RepositoryKey | undefined): Promise<MemoryStorage> {
  const disk = memoryStorage();
  const chance = new Chance(11);
  await createRepository({ storage: disk.connect(), reserveBytes: 4096, random: chance, key });
  const repository = await open(disk, key);
  const ids: string[] = [];
  for (const node of ["pc-1", "pc-2", "pc-3"]) {
    const session = await repository.beginArchive({ node });
    await session.archiveSource({ partition: "sda1" }, sourceOf(chance.text(DISK_BYTES)));
    ids.push((await session.commit()).id);
  }
  await repository.pin(ids[0] ?? "", "fuzzed");
  await repository.prune({ snapshotIds: ids.slice(2) });
  await repository.collectGarbage();
  await repository.scrub();
  await repository.close();
  return disk;
}

function open(disk: MemoryStorage, key: RepositoryKey | undefined): Promise<Repository> {
  return openRepository({ storage: disk.connect(), access: "write", threads: 0, key });
}

async function named(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
  }
}

/** Everything there is to do; each may fail by name. */
async function useAll(disk: MemoryStorage, key: RepositoryKey | undefined): Promise<void> {
  const repository = await open(disk, key);
  try {
    for (const { id } of repository.snapshots()) {
      const record = repository.snapshot(id);
      for (const image of record.images) {
        if (image.sizeBytes > 4 * DISK_BYTES) continue; // A target of that size is the caller's to have, or not.
        const target = targetOf(new Uint8Array(image.sizeBytes));
        await named(() => repository.restore(id, image.partition, target));
      }
    }
    await named(() => repository.verify());
    await named(() => repository.scrub({ deep: true }));
    await named(() => repository.stats());
    await named(() => archive(repository));
    await named(() => repository.collectGarbage());
    await named(() => repository.rebuildIndex());
  } finally {
    await named(() => repository.close());
  }
}

async function archive(repository: Repository): Promise<void> {
  const session = await repository.beginArchive({ node: "pc-1" });
  try {
    await session.archiveSource({ partition: "sda1" }, sourceOf(new Chance(11).text(DISK_BYTES)));
    await session.commit();
  } finally {
    await session.abort();
  }
}

/** One target per file; a pack under its hostile content's own name, so that its name does not give it away. */
export async function repositoryTargets(key?: RepositoryKey): Promise<FuzzTarget[]> {
  const disk = await sampleRepository(key);
  const names = (await disk.list("")).map(({ name }) => name);
  const lock = Buffer.from(
    JSON.stringify({ token: "t", owner: "o", hostname: "h", bootId: "b", pid: 1, startTime: "1" }),
  );
  const targets: FuzzTarget[] = [];
  for (const name of [...names, "lock"]) {
    const whole = name === "lock" ? lock : ((await disk.readFile(name)) ?? new Uint8Array(0));
    targets.push({
      name: `file ${key === undefined ? "" : "sealed-"}${kindOf(name)}`,
      samples: [new Uint8Array(whole)],
      mutate: mutatorOf(name),
      decode: async (bytes) => {
        const copy = disk.copy();
        await copy.remove(name);
        await copy.writeFile(isPack(name) ? packNameFor(name, bytes) : name, bytes);
        await useAll(copy, key);
      },
    });
  }
  return targets;
}

function mutatorOf(name: string): FuzzTarget["mutate"] {
  if (name.startsWith("index/"))
    return (bytes, chance) => (chance.happens(0.6) ? mutatedCache(bytes, chance) : mutated(bytes, chance));
  if (isPack(name) || name === "reserve" || name === "lock") return mutated;
  return (bytes, chance) => (chance.happens(0.75) ? mutatedText(bytes, chance) : mutated(bytes, chance));
}

function isPack(name: string): boolean {
  return name.endsWith(".pack");
}

function kindOf(name: string): string {
  return name.split("/")[0] ?? name;
}

function packNameFor(name: string, bytes: Uint8Array): string {
  const hash = createHash("sha256").update(bytes).digest("hex");
  return `${kindOf(name)}/${hash.slice(0, 2)}/${hash}.pack`;
}

const LAYOUT_BYTES = Object.values(newTableLayout()).reduce((sum, column) => sum + column.byteLength, 0);

/** The checksums of its parts fit what is hostile, as far as the summary keeps its length. */
function mutatedCache(bytes: Uint8Array, chance: Chance): Uint8Array {
  const changed = Buffer.from(bytes);
  const head = 32;
  const summaryEnd = head + changed.readUInt32LE(24);
  const summary = changed.toString("utf8", head, summaryEnd);
  // Counts in the summary say how long what follows is: change digits, keep lengths.
  const hostile = summary.replace(/\d+/g, (digits) =>
    chance.happens(0.3)
      ? String(chance.between(0, 10 ** digits.length - 1)).padStart(digits.length, "1")
      : digits,
  );
  changed.write(hostile, head, "utf8");
  if (chance.happens(0.5)) changed[chance.between(summaryEnd, changed.length - 33)] = chance.between(0, 255);
  let start = 0;
  // The fingerprints have a part more, which ends after the layout of the table.
  for (const split of [summaryEnd + LAYOUT_BYTES, changed.length - 32]) {
    const fits = createHash("sha256").update(bytes.subarray(start, split)).digest();
    if (!fits.equals(bytes.subarray(split, split + 32))) continue;
    createHash("sha256").update(changed.subarray(start, split)).digest().copy(changed, split);
    start = split + 32;
  }
  return new Uint8Array(changed);
}
