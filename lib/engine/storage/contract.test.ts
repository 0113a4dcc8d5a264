// What every storage promises, run on each of them: the engine is proved on memory, so memory and the disk must
// keep the same promises.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CodedError } from "#lib/model/errors.ts";
import { faultyStorage } from "./faulty.ts";
import { openLocalDisk } from "./local-disk.ts";
import { memoryStorage } from "./memory.ts";
import type { Storage } from "./storage.ts";

const temporaryFolders: string[] = [];

async function openTemporaryDisk(): Promise<Storage> {
  const folder = await mkdtemp(join(tmpdir(), "sheepfold-storage-"));
  temporaryFolders.push(folder);
  return openLocalDisk(join(folder, "repository"), { create: true });
}

const STORAGES: Readonly<Record<string, () => Promise<Storage>>> = {
  memory: async () => memoryStorage(),
  "local disk": openTemporaryDisk,
  "faulty without faults over memory": async () => faultyStorage(memoryStorage()),
  "faulty without faults over local disk": async () => faultyStorage(await openTemporaryDisk()),
};

afterEach(async () => {
  for (const folder of temporaryFolders.splice(0)) await rm(folder, { recursive: true, force: true });
});

for (const [name, open] of Object.entries(STORAGES)) {
  describe(`storage contract: ${name}`, () => {
    let storage: Storage;
    beforeEach(async () => {
      storage = await open();
    });
    afterEach(() => storage.close());

    test("a sealed file reads back whole, in part, and by size", async () => {
      await storage.writeFile("packs/ab/one.pack", bytesOf("hello, fold"));
      expect(await textOf(storage, "packs/ab/one.pack")).toBe("hello, fold");
      const part = new Uint8Array(4);
      await storage.readAt("packs/ab/one.pack", 7, part);
      expect(Buffer.from(part).toString()).toBe("fold");
      expect(await storage.size("packs/ab/one.pack")).toBe(11);
    });

    test("an absent file has no bytes and no size", async () => {
      expect(await storage.readFile("packs/none")).toBeNull();
      expect(await storage.size("packs/none")).toBeNull();
      await expectCode(storage.readAt("packs/none", 0, new Uint8Array(1)), "storage-failed");
    });

    test("a folder is neither a file nor has a size", async () => {
      await storage.writeFile("packs/ab/one", bytesOf("1"));
      expect(await storage.size("packs/ab")).toBeNull();
    });

    test("a read beyond the end fails and never delivers less", async () => {
      await storage.writeFile("short", bytesOf("abc"));
      await expectCode(storage.readAt("short", 2, new Uint8Array(2)), "storage-failed");
      await storage.readAt("short", 3, new Uint8Array(0));
    });

    test("a growing file is seen by nobody under its final name", async () => {
      const writer = await storage.createFile();
      await writer.append(bytesOf("ab"));
      expect(await storage.list("packs")).toEqual([]);
      await writer.append(bytesOf("cd"));
      await writer.seal("packs/file");
      expect(await storage.list("")).toEqual([{ name: "packs/file", sizeBytes: 4 }]);
      expect(await textOf(storage, "packs/file")).toBe("abcd");
    });

    test("the buffer of an append may be reused afterwards", async () => {
      const buffer = bytesOf("first ");
      const writer = await storage.createFile();
      await writer.append(buffer);
      buffer.set(bytesOf("second"));
      await writer.append(buffer);
      await writer.seal("twice");
      expect(await textOf(storage, "twice")).toBe("first second");
    });

    test("a discarded file leaves nothing, and discarding never throws", async () => {
      const writer = await storage.createFile();
      await writer.append(bytesOf("x"));
      await writer.discard();
      await writer.discard();
      expect(await storage.list("")).toEqual([]);
      await expectCode(writer.append(bytesOf("y")), "storage-failed");
      await expectCode(writer.seal("late"), "storage-failed");
    });

    test("a sealed writer is spent, and discarding it keeps the file", async () => {
      const writer = await storage.createFile();
      await writer.append(bytesOf("kept"));
      await writer.seal("kept");
      await expectCode(writer.append(bytesOf("more")), "storage-failed");
      await writer.discard();
      expect(await textOf(storage, "kept")).toBe("kept");
    });

    test("an empty file is a file", async () => {
      await storage.writeFile("empty", new Uint8Array(0));
      expect(await storage.readFile("empty")).toHaveLength(0);
      expect(await storage.size("empty")).toBe(0);
    });

    test("sealing over an existing name replaces it, also for reads by range", async () => {
      await storage.writeFile("index/cache", bytesOf("old"));
      const part = new Uint8Array(3);
      await storage.readAt("index/cache", 0, part);
      await storage.writeFile("index/cache", bytesOf("new and longer"));
      await storage.readAt("index/cache", 0, part);
      expect(Buffer.from(part).toString()).toBe("new");
      expect(await storage.size("index/cache")).toBe(14);
    });

    test("lists all files below a folder, in name order, and nothing of its neighbours", async () => {
      for (const file of ["packs/b/2", "packs/a/1", "packs/c", "packs2/no", "packs/a/0"]) {
        await storage.writeFile(file, bytesOf(file));
      }
      const names = (await storage.list("packs")).map((file) => file.name);
      expect(names).toEqual(["packs/a/0", "packs/a/1", "packs/b/2", "packs/c"]);
      expect(await storage.list("absent/folder")).toEqual([]);
    });

    test("leftovers under tmp are listed and can be removed", async () => {
      const writer = await storage.createFile();
      await writer.append(bytesOf("half"));
      const [leftover] = await storage.list("tmp");
      expect(leftover?.sizeBytes).toBe(4);
      await storage.remove(leftover?.name ?? "");
      expect(await storage.list("")).toEqual([]);
      await writer.discard();
    });

    test("only one of many exclusive creations succeeds, and the file is the winner's, whole", async () => {
      const texts = Array.from({ length: 8 }, (_, index) => `owner ${index}`);
      const wins = await Promise.all(texts.map((text) => storage.createExclusive("lock", bytesOf(text))));
      expect(wins.filter(Boolean)).toHaveLength(1);
      expect(await textOf(storage, "lock")).toBe(texts[wins.indexOf(true)]);
      expect(await storage.list("")).toEqual([{ name: "lock", sizeBytes: 7 }]);
    });

    test("after removing a lock it can be taken again", async () => {
      expect(await storage.createExclusive("lock", bytesOf("1"))).toBe(true);
      await storage.remove("lock");
      expect(await storage.createExclusive("lock", bytesOf("2"))).toBe(true);
      expect(await textOf(storage, "lock")).toBe("2");
    });

    test("removing an absent file is no error; a removed one is gone, also for reads by range", async () => {
      await storage.remove("packs/absent");
      await storage.writeFile("packs/x", bytesOf("x"));
      await storage.readAt("packs/x", 0, new Uint8Array(1));
      await storage.remove("packs/x");
      await expectCode(storage.readAt("packs/x", 0, new Uint8Array(1)), "storage-failed");
      expect(await storage.readFile("packs/x")).toBeNull();
    });

    test("names that leave the repository are refused by every call", async () => {
      for (const bad of ["../x", "/x", "a/../b", "a//b", "a\\b", ".hidden", "a\0b", "x".repeat(2000), ""]) {
        await expectCode(storage.readFile(bad), "storage-failed");
        await expectCode(storage.writeFile(bad, bytesOf("x")), "storage-failed");
        await expectCode(storage.remove(bad), "storage-failed");
        await expectCode(storage.readAt(bad, 0, new Uint8Array(1)), "storage-failed");
        await expectCode(storage.createExclusive(bad, bytesOf("x")), "storage-failed");
      }
      await expectCode(storage.list("../"), "storage-failed");
      expect(await storage.list("")).toEqual([]);
    });

    test("many files are read at once, more than are kept open", async () => {
      const names = Array.from({ length: 200 }, (_, index) => `packs/${index}`);
      for (const name of names) await storage.writeFile(name, bytesOf(name));
      for (let round = 0; round < 3; round++) {
        await Promise.all(
          names.map(async (name) => {
            const into = new Uint8Array(name.length);
            await storage.readAt(name, 0, into);
            expect(Buffer.from(into).toString()).toBe(name);
          }),
        );
      }
    }, 20_000);

    test("a closed storage refuses work", async () => {
      await storage.close();
      await expectCode(storage.readFile("x"), "repository-closed");
      await expectCode(storage.createFile(), "repository-closed");
    });
  });
}

function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text));
}

async function textOf(storage: Storage, name: string): Promise<string | null> {
  const bytes = await storage.readFile(name);
  return bytes === null ? null : Buffer.from(bytes).toString();
}

async function expectCode(work: Promise<unknown>, code: string): Promise<void> {
  const outcome = await work.then(
    () => "no error",
    (error: unknown) => (error instanceof CodedError ? error.code : error),
  );
  expect(outcome).toBe(code);
}
