// Makes the golden repository with rewritten packs (version 2) out of the one of format 1: node lib/engine/testdata/make-golden-rewritten.ts
// It was run once. It refuses to touch a golden repository that is already there.
import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { openRepository } from "../repository.ts";
import { openLocalDisk } from "../storage/local-disk.ts";

const FOLDER = join(import.meta.dirname, "repository-v1-rewritten");

await cp(join(import.meta.dirname, "repository-v1"), FOLDER, {
  recursive: true,
  force: false,
  errorOnExist: true,
});
const storage = await openLocalDisk(FOLDER);
const repository = await openRepository({ storage, access: "write", owner: "make-golden", threads: 0 });
console.log(await repository.reSegment());
await repository.close();
await storage.close();
// Caches and leftovers are no part of the format.
for (const folder of ["index", "tmp"]) await rm(join(FOLDER, folder), { recursive: true, force: true });
