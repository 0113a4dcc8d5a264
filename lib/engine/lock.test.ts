// The lock: one writer, stale locks taken over, lost locks noticed.
import { hostname } from "node:os";
import { describe, expect, test } from "vitest";
import { createRepository, openRepository } from "./repository.ts";
import { memoryStorage } from "./storage/memory.ts";
import { newBench, noise, sourceOf } from "./test-bench.ts";

type Lock = Record<string, string | number>;

async function lockedBy(change: (mine: Lock) => Lock) {
  const bench = await newBench();
  const bytes = await bench.storage.readFile("lock");
  const mine = JSON.parse(Buffer.from(bytes ?? []).toString("utf8")) as Lock;
  await bench.repository.close();
  await bench.storage.writeFile("lock", Buffer.from(JSON.stringify(change(mine))));
  return { bench, open: () => openRepository({ storage: bench.storage, access: "write", threads: 0 }) };
}

describe("who may write", () => {
  test("LOCK-1: a second writer is refused, naming the first; readers are not", async () => {
    const storage = memoryStorage();
    await createRepository({ storage });
    const first = await openRepository({ storage, access: "write", threads: 0, owner: "worker 7" });
    const second = openRepository({ storage, access: "write", threads: 0 });
    await expect(second).rejects.toMatchObject({
      code: "repository-locked",
      message: expect.stringContaining("worker 7"),
    });
    const reader = await openRepository({ storage, access: "read", threads: 0 });
    await expect(reader.beginArchive({ node: "a" })).rejects.toMatchObject({ code: "input-invalid" });
    await reader.close();
    await first.close();
    await (await openRepository({ storage, access: "write", threads: 0 })).close();
  });

  const stale: [string, (mine: Lock) => Lock][] = [
    ["of another boot", (mine) => ({ ...mine, bootId: "other" })],
    ["of a process that is gone", (mine) => ({ ...mine, pid: 4_194_305 })],
    ["whose number another process got", (mine) => ({ ...mine, pid: process.ppid, startTime: "1" })],
    ["of this process, never closed", (mine) => ({ ...mine, token: "00" })],
  ];
  for (const [what, change] of stale) {
    test(`LOCK-2: a lock ${what} is taken over`, async () => {
      const { open } = await lockedBy(change);
      await (await open()).close();
    });
  }

  test("LOCK-2: a torn lock is taken over", async () => {
    const { bench, open } = await lockedBy((mine) => mine);
    await bench.storage.writeFile("lock", Buffer.from('{"token":'));
    await (await open()).close();
  });

  test("LOCK-2: a lock of a living process is not taken over", async () => {
    const { bench, open } = await lockedBy((mine) => mine);
    const stat = await import("node:fs").then((fs) => fs.readFileSync(`/proc/${process.ppid}/stat`, "utf8"));
    const startTime = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
    const mine = JSON.parse(
      Buffer.from((await bench.storage.readFile("lock")) ?? []).toString("utf8"),
    ) as Lock;
    await bench.storage.writeFile(
      "lock",
      Buffer.from(JSON.stringify({ ...mine, pid: process.ppid, startTime })),
    );
    await expect(open()).rejects.toMatchObject({ code: "repository-locked" });
  });

  test("LOCK-3: a lock of another host is never judged, and the message says what to do", async () => {
    const { open } = await lockedBy((mine) => ({ ...mine, hostname: `not-${hostname()}`, pid: 4_194_305 }));
    await expect(open()).rejects.toMatchObject({
      code: "repository-locked",
      hint: expect.stringContaining('"lock"'),
    });
  });

  test("LOCK-4: a writer that lost its lock commits nothing", async () => {
    const bench = await newBench();
    const session = await bench.repository.beginArchive({ node: "a" });
    await session.archiveSource({ partition: "sda1" }, sourceOf(noise(5000)));
    await bench.storage.remove("lock");
    await expect(session.commit()).rejects.toMatchObject({ code: "repository-lock-lost" });
    expect(await bench.storage.list("snapshots")).toEqual([]);
  });
});

describe("opening", () => {
  test("a folder without a repository, and a second one in its place, are refused by name", async () => {
    const storage = memoryStorage();
    const open = openRepository({ storage, access: "read", threads: 0 });
    await expect(open).rejects.toMatchObject({ code: "repository-missing" });
    await createRepository({ storage });
    await expect(createRepository({ storage })).rejects.toMatchObject({ code: "repository-exists" });
    await expect(createRepository({ storage: memoryStorage(), blockSize: 1000 })).rejects.toMatchObject({
      code: "input-invalid",
    });
  });

  test("FORMAT-2: a newer format is refused, naming both versions, whatever its checksum", async () => {
    const bench = await newBench();
    await bench.repository.close();
    const config = Buffer.from((await bench.storage.readFile("config")) ?? []).toString("utf8");
    await bench.storage.writeFile("config", Buffer.from(config.replace('"format": 1', '"format": 7')));
    const open = openRepository({ storage: bench.storage, access: "write", threads: 0 });
    await expect(open).rejects.toMatchObject({
      code: "repository-format-newer",
      message: expect.stringMatching(/format 7.*format 2/),
    });
    expect(await bench.storage.readFile("lock")).toBeNull();
  });

  test("a damaged config is named", async () => {
    const bench = await newBench();
    await bench.repository.close();
    bench.storage.flipBit("config", 8 * 60);
    const open = openRepository({ storage: bench.storage, access: "read", threads: 0 });
    await expect(open).rejects.toMatchObject({
      code: "repository-corrupt",
      message: expect.stringContaining("config"),
    });
  });

  test("COMMIT-1: a writer sweeps what a crash left in tmp/", async () => {
    const bench = await newBench();
    await bench.repository.close();
    await (await bench.storage.createFile()).append(noise(100));
    const reopened = await openRepository({ storage: bench.storage, access: "write", threads: 0 });
    expect(await bench.storage.list("tmp")).toEqual([]);
    await reopened.close();
  });
});
