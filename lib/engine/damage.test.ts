// Damage that the simulation meets too seldom: a pack that no snapshot lists yet is unreadable while archives go on.
import { expect, test } from "vitest";
import { Chance } from "#lib/model/chance.ts";
import { EMPTY_LEDGER, encodeLedger } from "./format/ledger-format.ts";
import { ID_MAX } from "./format/node-format.ts";
import { createRepository, openRepository } from "./repository.ts";
import { sourceOf, targetOf } from "./simulation/disk.ts";
import { type MemoryStorage, memoryStorage } from "./storage/memory.ts";
import type { Repository, SnapshotRecord } from "./types.ts";

const chance = new Chance(1);
const ABORTED = chance.bytes(300_000);
const ARCHIVED = chance.bytes(300_000);

/** A repository whose only packs are those of an aborted archive: good blocks that nothing refers to. */
async function withAbortedArchive(): Promise<MemoryStorage> {
  const memory = memoryStorage();
  await createRepository({ storage: memory.connect(), blockSize: 512 });
  const repository = await open(memory);
  const session = await repository.beginArchive({ node: "pc-1" });
  await session.archiveSource({ partition: "sda1" }, sourceOf(ABORTED));
  await session.abort();
  await repository.close();
  return memory;
}

function open(memory: MemoryStorage): Promise<Repository> {
  return openRepository({ storage: memory.connect(), access: "write", threads: 0 });
}

async function archive(repository: Repository, bytes: Uint8Array): Promise<SnapshotRecord> {
  const session = await repository.beginArchive({ node: "pc-1" });
  await session.archiveSource({ partition: "sda1" }, sourceOf(bytes));
  return session.commit();
}

async function expectRestores(
  repository: Repository,
  record: SnapshotRecord,
  bytes: Uint8Array,
): Promise<void> {
  const target = targetOf(new Uint8Array(bytes.length));
  await repository.restore(record.id, "sda1", target);
  expect(Buffer.compare(target.bytes, bytes)).toBe(0);
}

test("PK-3: blocks of an aborted archive are found by the next one", async () => {
  const repository = await open(await withAbortedArchive());
  const record = await archive(repository, ABORTED);
  expect(record.images[0]?.newBytes).toBe(0);
  await expectRestores(repository, record, ABORTED);
  await repository.close();
});

test("PK-5: ids of an unreadable pack that no snapshot lists are not handed out again", async () => {
  const memory = await withAbortedArchive();
  const [pack] = await memory.list("packs");
  if (pack === undefined) throw new Error("The aborted archive left no pack.");
  // The trailer is the last thing in a pack; without it nobody can say which ids the pack holds.
  const bitIndex = (pack.sizeBytes - 20) * 8;
  memory.flipBit(pack.name, bitIndex);
  for (const file of await memory.list("index")) await memory.remove(file.name);

  const damaged = await open(memory);
  const record = await archive(damaged, ARCHIVED);
  expect((await damaged.verify()).findings).toMatchObject([{ code: "pack-corrupt", file: pack.name }]);
  await damaged.close();

  memory.flipBit(pack.name, bitIndex);
  const healed = await open(memory);
  await healed.rebuildIndex();
  expect((await healed.verify()).findings).toEqual([]);
  await expectRestores(healed, record, ARCHIVED);
  await expectRestores(healed, await archive(healed, ABORTED), ABORTED);
  await healed.close();
});

test("SC-5: after a pack was deleted by hand the next archive stores its content again, and is whole", async () => {
  const memory = memoryStorage();
  await createRepository({ storage: memory.connect() });
  let repository = await open(memory);
  const broken = await archive(repository, ARCHIVED);
  await repository.close();
  for (const { name } of await memory.list("packs")) await memory.remove(name);

  repository = await open(memory);
  const whole = await archive(repository, ARCHIVED);
  await expectRestores(repository, whole, ARCHIVED);
  await expect(expectRestores(repository, broken, ARCHIVED)).rejects.toMatchObject({ code: "pack-missing" });
  await repository.close();
});

for (const isCached of [false, true]) {
  const how = isCached ? "known to the index cache" : "read anew";
  test(`PK-5: a pack that comes back when its ids are another's is left out, and GC removes it (${how})`, async () => {
    const memory = await withAbortedArchive();
    const indexFiles = await filesOf(memory, "index");
    const packs = [...(await filesOf(memory, "packs")), ...(await filesOf(memory, "nodes"))];
    expect(packs.length).toBeGreaterThan(0);
    for (const { name } of [...packs, ...indexFiles]) await memory.remove(name);
    let repository = await open(memory);
    const record = await archive(repository, ARCHIVED);
    await repository.close();

    for (const { name, bytes } of packs) await memory.writeFile(name, bytes);
    if (isCached) for (const { name, bytes } of indexFiles) await memory.writeFile(name, bytes);
    repository = await open(memory);
    await expectRestores(repository, record, ARCHIVED);
    expect((await repository.verify()).findings).toEqual([]);
    const again = await archive(repository, ABORTED);
    await repository.rebuildIndex();
    await expectRestores(repository, record, ARCHIVED);
    await expectRestores(repository, again, ABORTED);
    await repository.collectGarbage();
    await repository.close();
    for (const { name } of packs) expect(await memory.size(name)).toBeNull();
    repository = await open(memory);
    expect((await repository.verify()).findings).toEqual([]);
    await expectRestores(repository, record, ARCHIVED);
    await expectRestores(repository, again, ABORTED);
    await repository.close();
  });
}

async function filesOf(memory: MemoryStorage, folder: string) {
  const files = await memory.list(folder);
  return Promise.all(
    files.map(async ({ name }) => ({ name, bytes: (await memory.readFile(name)) ?? new Uint8Array() })),
  );
}

test("PK-5: numbers that were never given are refused by name, and what is stored stays readable", async () => {
  const memory = memoryStorage();
  const info = await createRepository({ storage: memory.connect() });
  let repository = await open(memory);
  const record = await archive(repository, ARCHIVED);
  await repository.close();
  const claim = (nextBlockId: number) =>
    memory.writeFile(
      "ledger",
      encodeLedger({ repositoryId: info.id, seal: null }, { ...EMPTY_LEDGER, nextBlockId }),
    );

  await claim(ID_MAX);
  repository = await open(memory);
  await expectRestores(repository, record, ARCHIVED);
  await expect(archive(repository, ABORTED)).rejects.toMatchObject({ code: "repository-corrupt" });
  await repository.close();

  await claim(ID_MAX + 1);
  repository = await open(memory);
  await expectRestores(repository, record, ARCHIVED);
  expect((await repository.verify()).findings.map(({ file }) => file)).toEqual(["ledger"]);
  await repository.close();
});
