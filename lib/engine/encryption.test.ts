// Encryption: without a key the store says nothing, with a wrong one nothing happens, and sealed bytes that were touched are
// found, never read.
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { Chance } from "#lib/model/chance.ts";
import { USUAL_COMPRESSION } from "#lib/model/compression.ts";
import { addKey, listKeys, removeKey } from "./encryption/manage-keys.ts";
import { createRepository, openRepository, scrubWithoutKey } from "./repository.ts";
import { memoryStorage } from "./storage/memory.ts";
import type { Storage } from "./storage/storage.ts";
import { changed, KIB, newBench, noise, PAGE, sourceOf, TEST_KEY, targetOf } from "./test-bench.ts";
import type { RepositoryKey } from "./types.ts";

const OTHER_KEY: RepositoryKey = { kind: "key-file", bytes: new Uint8Array(32).fill(8) };
const PASSPHRASE: RepositoryKey = { kind: "passphrase", passphrase: "cinq moutons à l'abri" };
const SECRET = "the examination questions of the class of 2b";

/** Three pages; the secret stands in a block of its own, in a page of its own. */
function imageWithSecret(seed = 1): Uint8Array {
  const bytes = noise(3 * PAGE, seed);
  bytes.set(Buffer.from(SECRET), PAGE + 8 * KIB);
  return bytes;
}

async function allFiles(storage: Storage): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for (const { name } of await storage.list("")) {
    const bytes = await storage.readFile(name);
    if (bytes !== null) files.set(name, Buffer.from(bytes));
  }
  return files;
}

describe("EN-1: whoever has the store and no key learns no content", () => {
  test("no file holds known bytes, their hashes, or the words of a snapshot", async () => {
    // Four bytes are in a megabyte by chance once in a thousand times: not by this chance.
    const bench = await newBench(4096, { key: TEST_KEY, random: new Chance(1) });
    const bytes = imageWithSecret();
    const session = await bench.repository.beginArchive({ node: "pc-of-the-head", comment: "before exams" });
    // Stored as it is: compressed, the secret could not be found anyway.
    await session.archiveSource(
      { partition: "secret-partition", compression: { codec: "none", level: 0 } },
      sourceOf(bytes),
    );
    const record = await session.commit();
    await bench.repository.pin(record.id, "the reason for the pin");
    const older = await bench.archive(noise(PAGE, 9), "pc-of-the-head", "secret-partition");
    const gone = await bench.archive(noise(PAGE, 10), "pc-02");
    await bench.repository.prune({ snapshotIds: [gone.id] });
    await bench.repository.close();
    const sha256 = (part: Uint8Array) => createHash("sha256").update(part).digest();
    const page = bytes.subarray(PAGE, 2 * PAGE);
    const block = page.subarray(8 * KIB, 12 * KIB);
    const needles: [string, Buffer][] = [
      ["the secret", Buffer.from(SECRET)],
      ...["pc-of-the-head", "before exams", "secret-partition", "the reason for the pin"].map(
        (word): [string, Buffer] => [word, Buffer.from(word)],
      ),
      ...[page, block].flatMap((part): [string, Buffer][] => [
        ["a hash", sha256(part)],
        // The index keeps beginnings of digests.
        ["the beginning of a hash", sha256(part).subarray(0, 4)],
        ["the beginning of a hash as a number", sha256(part).subarray(0, 4).reverse()],
        ["a hash as hex", Buffer.from(sha256(part).toString("hex"))],
      ]),
      ["a content root", Buffer.from(record.images[0]?.contentRoot ?? "none")],
      ["another content root", Buffer.from(older.images[0]?.contentRoot ?? "none")],
    ];
    const files = await allFiles(bench.storage);
    expect([...files.keys()].map((name) => name.split("/")[0])).toEqual(
      expect.arrayContaining(["config", "packs", "nodes", "snapshots", "pins", "ledger", "index"]),
    );
    for (const [name, content] of files) {
      for (const [what, needle] of needles)
        expect(content.includes(needle), `${what} in ${name}`).toBe(false);
    }
  });

  test("the same needles are found in a repository that is not encrypted", async () => {
    const bench = await newBench();
    const bytes = imageWithSecret();
    const session = await bench.repository.beginArchive({ node: "pc-of-the-head" });
    await session.archiveSource(
      { partition: "sda1", compression: { codec: "none", level: 0 } },
      sourceOf(bytes),
    );
    const record = await session.commit();
    await bench.repository.close();
    const all = Buffer.concat([...(await allFiles(bench.storage)).values()]);
    const block = bytes.subarray(PAGE + 8 * KIB, PAGE + 12 * KIB);
    const digest = createHash("sha256").update(block).digest();
    for (const needle of [SECRET, "pc-of-the-head", digest, record.images[0]?.contentRoot ?? "none"]) {
      expect(all.includes(needle)).toBe(true);
    }
  });

  test("two repositories with the same content and the same key file share no digest and no payload", async () => {
    const stretches = new Map<string, number>();
    for (let copy = 0; copy < 2; copy++) {
      const bench = await newBench(4096, { key: TEST_KEY });
      await bench.archive(imageWithSecret().subarray(PAGE, 2 * PAGE));
      await bench.repository.close();
      const seen = new Set<string>();
      for (const [name, content] of await allFiles(bench.storage)) {
        if (!name.endsWith(".pack")) continue;
        // Every 16 bytes there are of the one, against those of the other; but runs of one byte, which are fields that are not used.
        for (let at = 64; at + 16 <= content.length - 80; at += copy === 0 ? 1 : 16) {
          const stretch = content.toString("latin1", at, at + 16);
          if (new Set(stretch).size > 12) seen.add(stretch);
        }
      }
      for (const stretch of seen) stretches.set(stretch, (stretches.get(stretch) ?? 0) + 1);
    }
    expect(stretches.size).toBeGreaterThan(10_000);
    expect([...stretches.values()].filter((count) => count > 1)).toEqual([]);
  });
});

describe("EN-2: keys", () => {
  test("a missing and a wrong key are told before anything is read or written", async () => {
    const storage = memoryStorage();
    await createRepository({ storage, key: TEST_KEY });
    const before = [...(await allFiles(storage)).keys()];
    const open = (key?: RepositoryKey) => openRepository({ storage, access: "write", threads: 0, key });
    await expect(open()).rejects.toMatchObject({ code: "key-missing", message: /is encrypted, and no key/ });
    await expect(open(OTHER_KEY)).rejects.toMatchObject({ code: "key-wrong", hint: /key file \(first\)/ });
    await expect(open(PASSPHRASE)).rejects.toMatchObject({ code: "key-wrong" });
    expect([...(await allFiles(storage)).keys()]).toEqual(before);
  });

  test("a key given to a repository that is not encrypted is refused; one that could be asked for is not asked", async () => {
    const storage = memoryStorage();
    await createRepository({ storage });
    await expect(
      openRepository({ storage, access: "write", threads: 0, key: TEST_KEY }),
    ).rejects.toMatchObject({ code: "input-invalid", message: /is not encrypted, but a key was given/ });
    let asked = 0;
    const key = async () => {
      asked += 1;
      return TEST_KEY;
    };
    const repository = await openRepository({ storage, access: "write", threads: 0, key });
    expect(repository.info).toMatchObject({ isEncrypted: false, formatVersion: 1 });
    await repository.close();
    expect(asked).toBe(0);
  });

  test("a passphrase opens what a passphrase made, however its letters were typed", async () => {
    const storage = memoryStorage();
    const info = await createRepository({ storage, key: PASSPHRASE });
    expect(info).toMatchObject({ isEncrypted: true, formatVersion: 2 });
    const typed: RepositoryKey = { kind: "passphrase", passphrase: PASSPHRASE.passphrase.normalize("NFD") };
    const repository = await openRepository({ storage, access: "read", threads: 0, key: typed });
    await repository.close();
    await expect(
      createRepository({ storage: memoryStorage(), key: { kind: "passphrase", passphrase: "sheep" } }),
    ).rejects.toMatchObject({ code: "input-invalid", message: /at least 8/ });
  });

  test("keys are added and removed; the last one, and the only one at hand, stay", async () => {
    const storage = memoryStorage();
    await createRepository({ storage, key: TEST_KEY });
    const [first] = await listKeys(storage);
    await expect(removeKey({ storage, key: TEST_KEY }, first?.id ?? "")).rejects.toMatchObject({
      message: /the only key/,
    });
    await expect(addKey({ storage, key: PASSPHRASE }, { key: OTHER_KEY, label: "x" })).rejects.toMatchObject({
      code: "key-wrong",
    });
    const added = await addKey({ storage, key: TEST_KEY }, { key: OTHER_KEY, label: "in the safe" });
    expect(await listKeys(storage)).toEqual([first, added]);
    await expect(removeKey({ storage, key: TEST_KEY }, first?.id ?? "")).rejects.toMatchObject({
      code: "key-wrong",
    });
    await removeKey({ storage, key: OTHER_KEY }, first?.id ?? "");
    const open = (key: RepositoryKey) => openRepository({ storage, access: "read", threads: 0, key });
    await (await open(OTHER_KEY)).close();
    await expect(open(TEST_KEY)).rejects.toMatchObject({ code: "key-wrong" });
    expect(await storage.readFile("lock")).toBeNull();
  });

  test("keys are changed under the writer's lock", async () => {
    const bench = await newBench(4096, { key: TEST_KEY });
    const adding = addKey({ storage: bench.storage, key: TEST_KEY }, { key: OTHER_KEY, label: "other" });
    await expect(adding).rejects.toMatchObject({ code: "repository-locked" });
    await bench.repository.close();
  });

  test("a config whose block size was changed is not believed", async () => {
    const storage = memoryStorage();
    await createRepository({ storage, key: TEST_KEY });
    const config = Buffer.from((await storage.readFile("config")) ?? []).toString();
    const body = config.slice(0, config.lastIndexOf("\n", config.length - 2) + 1).replace("4096", "8192");
    const checksum = createHash("sha256").update("sheepfold-config-v1\0").update(body).digest("hex");
    await storage.writeFile("config", Buffer.from(`${body}sheepfold-config-v1 ${checksum}\n`));
    await expect(
      openRepository({ storage, access: "read", threads: 0, key: TEST_KEY }),
    ).rejects.toMatchObject({ code: "repository-corrupt", message: /does not belong to its key/ });
  });
});

describe("EN-3: an encrypted repository is as good a repository", () => {
  for (const threads of [0, 2]) {
    test(`archives, deduplicates, restores, verifies and scrubs with ${threads} threads`, async () => {
      const bench = await newBench(4096, { key: TEST_KEY, threads });
      const bytes = imageWithSecret();
      const first = await bench.archive(bytes);
      const second = await bench.archive(changed(bytes, PAGE + 5), "pc-02");
      // A patch of one byte; format 2 says so without a key, and nothing else does.
      expect(second.images[0]?.newBytes).toBeLessThan(16);
      const file = (await bench.storage.list("snapshots")).find(({ name }) => name.includes(second.id));
      const text = Buffer.from((await bench.storage.readFile(file?.name ?? "")) ?? "").toString();
      expect(text).toContain('"format": 2');
      expect(text).not.toContain("pc-02");
      await bench.reopen();
      expect(Buffer.compare(await bench.restored(first), bytes)).toBe(0);
      expect(Buffer.compare(await bench.restored(second), changed(bytes, PAGE + 5))).toBe(0);
      expect(await bench.repository.verify()).toMatchObject({ findings: [] });
      expect(await bench.repository.scrub({ deep: true })).toMatchObject({ findings: [] });
      await bench.repository.rebuildIndex();
      const third = await bench.archive(bytes, "pc-03");
      expect(third.images[0]?.newBytes).toBe(0);
      await bench.repository.close();
    });
  }

  test("full images, diffs, prune and GC work as ever", async () => {
    const bench = await newBench(4096, { key: TEST_KEY });
    const bytes = imageWithSecret();
    bytes.fill(0, 0, 8 * KIB);
    const full = await bench.repository.beginArchive({ node: "pc-01", technique: "full" });
    await full.archiveSource({ partition: "sda1" }, sourceOf(bytes));
    const base = await full.commit();
    const session = await bench.repository.beginArchive({ node: "pc-01", technique: "diff" });
    await session.archiveSource({ partition: "sda1" }, sourceOf(changed(bytes, 5 * KIB)));
    const diff = await session.commit();
    expect(Buffer.compare(await bench.restored(diff), changed(bytes, 5 * KIB))).toBe(0);
    await bench.archive(noise(PAGE, 5), "pc-02");
    const gone = bench.repository.snapshots().at(-1)?.id ?? "";
    await bench.repository.prune({ snapshotIds: [gone] });
    await bench.reopen();
    expect(await bench.repository.collectGarbage()).toMatchObject({ isFinished: true });
    await bench.reopen();
    expect(bench.repository.snapshots().map(({ id }) => id)).toEqual([base.id, diff.id]);
    expect(await bench.repository.verify()).toMatchObject({ findings: [] });
    await bench.repository.close();
  });

  test("packs are rewritten by GC and re-segment, and never in clear", async () => {
    // A seed: by other luck the four bytes looked for could be in ciphertext.
    const bench = await newBench(4096, { key: TEST_KEY, random: new Chance(2) });
    const bytes = imageWithSecret();
    const kept = await bench.archive(bytes);
    const session = await bench.repository.beginArchive({ node: "pc-02" });
    await session.archiveSource({ partition: "sda1" }, sourceOf(noise(3 * PAGE, 5)));
    await session.archiveSource({ partition: "sda2" }, sourceOf(noise(PAGE, 6)));
    const gone = await session.commit();
    const again = await bench.archive(noise(PAGE, 6), "pc-03");
    await bench.repository.prune({ snapshotIds: [gone.id] });
    await bench.reopen();
    const { freedBytes } = await bench.repository.collectGarbage();
    expect(freedBytes).toBeGreaterThan(PAGE);
    const { packCount } = await bench.repository.reSegment();
    expect(packCount).toBeGreaterThan(0);
    await bench.reopen();
    expect(await bench.repository.verify()).toMatchObject({ findings: [] });
    expect(Buffer.compare(await bench.restored(kept), bytes)).toBe(0);
    expect(Buffer.compare(await bench.restored(again), noise(PAGE, 6))).toBe(0);
    await bench.repository.close();
    for (const [name, content] of await allFiles(bench.storage)) {
      // A pack of a key has its cipher in the header; no segment begins like a zstd frame.
      if (name.endsWith(".pack")) expect(content[10], name).toBe(1);
      expect(content.includes(Buffer.from([0x28, 0xb5, 0x2f, 0xfd])), name).toBe(false);
    }
  });

  test("EV-1: evaluation counts what sealing costs", async () => {
    const bench = await newBench(4096, { key: TEST_KEY });
    const snapshot = await bench.archive(imageWithSecret());
    const [row] = await bench.repository.evaluate({
      snapshots: [{ snapshotId: snapshot.id }],
      techniques: ["repository"],
      blockSizes: [4096],
      compressions: [USUAL_COMPRESSION],
    });
    const stats = await bench.repository.stats();
    expect(row?.dataBytes).toBe(stats.compressedBytes);
    await bench.repository.close();
  });
});

describe("EN-4: sealed bytes that were touched are found, never read", () => {
  test("a flipped bit anywhere gives a named error or the right bytes", async () => {
    const bench = await newBench(4096, { key: TEST_KEY });
    const bytes = imageWithSecret().subarray(0, PAGE);
    const snapshot = await bench.archive(bytes);
    await bench.repository.close();
    for (const [name, content] of await allFiles(bench.storage)) {
      if (name.startsWith("index/")) continue;
      for (let at = 0; at < content.length; at += Math.max(1, Math.floor(content.length / 25))) {
        const damaged = Buffer.from(content);
        damaged[at] = (damaged[at] as number) ^ 0x10;
        await bench.storage.writeFile(name, damaged);
        await expectNeverWrong(bench.storage, snapshot.id, bytes, `${name} at ${at}`);
      }
      await bench.storage.writeFile(name, content);
    }
  });

  test("scrub without a key finds a damaged pack, and a whole store whole", async () => {
    const bench = await newBench(4096, { key: TEST_KEY });
    await bench.archive(imageWithSecret());
    await bench.repository.close();
    const before = [...(await allFiles(bench.storage)).keys()];
    expect(await scrubWithoutKey(bench.storage)).toMatchObject({ checkedPackCount: 2, findings: [] });
    const [pack] = await bench.storage.list("packs");
    const content = Buffer.from((await bench.storage.readFile(pack?.name ?? "")) ?? []);
    content[1000] = (content[1000] as number) ^ 1;
    await bench.storage.writeFile(pack?.name ?? "", content);
    expect((await scrubWithoutKey(bench.storage)).findings).toMatchObject([
      { file: pack?.name, affected: [] },
    ]);
    expect([...(await allFiles(bench.storage)).keys()]).toEqual(before);
  });
});

async function expectNeverWrong(storage: Storage, id: string, bytes: Uint8Array, where: string) {
  const target = targetOf(new Uint8Array(bytes.length));
  let failure: unknown = null;
  try {
    const repository = await openRepository({ storage, access: "read", threads: 0, key: TEST_KEY });
    try {
      await repository.restore(id, "sda1", target);
      const { findings } = await repository.verify();
      expect(findings.length, `${where}: no finding`).toBeGreaterThan(0);
    } finally {
      await repository.close();
    }
  } catch (error) {
    failure = error;
  }
  if (failure === null) expect(Buffer.compare(target.bytes, bytes), where).toBe(0);
  else expect(failure, where).toMatchObject({ name: "CodedError" });
}
