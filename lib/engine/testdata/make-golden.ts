// Makes the golden repositories that are not there yet, beside this file: node lib/engine/testdata/make-golden.ts
// It was run once when a format was settled. It does not touch a golden repository that is already there: once
// released, its bytes are what old repositories in the world look like.
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { addKey, createRepository, openRepository } from "../repository.ts";
import { Chance } from "#lib/model/chance.ts";
import { sourceOf } from "../simulation/disk.ts";
import { openLocalDisk } from "../storage/local-disk.ts";
import { GOLDENS, type Golden, goldenSnapshots } from "./golden-contents.ts";

const clock = { nowMs: () => Date.UTC(2026, 0, 1) };

for (const golden of GOLDENS) {
  const folder = join(import.meta.dirname, golden.folder);
  if (!existsSync(folder)) await make(golden, folder);
}

async function make({ keys }: Golden, folder: string): Promise<void> {
  const random = new Chance(11);
  const [key, ...more] = keys;
  const storage = await openLocalDisk(folder, { create: true });
  await createRepository({ storage, clock, random, key });
  for (const other of more) {
    await addKey({ storage, key: key ?? null, clock, random }, { key: other, label: other.kind });
  }
  const options = { access: "write", owner: "make-golden", threads: 0 } as const;
  const repository = await openRepository({ ...options, storage, clock, random, key });
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
  for (const name of ["index", "tmp"]) await rm(join(folder, name), { recursive: true, force: true });
}
