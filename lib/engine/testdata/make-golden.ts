// Makes the golden repository of the current format beside this file: node lib/engine/testdata/make-golden.ts
// It was run once when format 1 was settled. It refuses to touch a golden repository that is already there: once
// released, its bytes are what old repositories in the world look like.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { createRepository, openRepository } from "../repository.ts";
import { Chance } from "../simulation/chance.ts";
import { sourceOf } from "../simulation/disk.ts";
import { openLocalDisk } from "../storage/local-disk.ts";
import { goldenSnapshots } from "./golden-contents.ts";

const FOLDER = join(import.meta.dirname, "repository-v1");

const clock = { nowMs: () => Date.UTC(2026, 0, 1) };
const random = new Chance(11);

await createRepository({ storage: await openLocalDisk(FOLDER, { create: true }), clock, random });
const repository = await openRepository({
  storage: await openLocalDisk(FOLDER),
  access: "write",
  owner: "make-golden",
  threads: 0,
  clock,
  random,
});
for (const { node, comment, images } of goldenSnapshots()) {
  const session = await repository.beginArchive({ node, comment, purpose: "manual" });
  for (const [partition, bytes] of Object.entries(images)) {
    await session.archiveSource({ partition, details: { fileSystem: "ext4" } }, sourceOf(bytes));
  }
  const record = await session.commit();
  console.log(record.id, record.node, record.comment);
}
await repository.close();
// Caches and leftovers are no part of the format.
for (const folder of ["index", "tmp"]) await rm(join(FOLDER, folder), { recursive: true, force: true });
