// A database that has lost its rows gets them back from the store alone, as often as it is asked; an evaluation that was interrupted goes
// on from its file; a damaged snapshot is no reason to let a good one go.
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { database } from "#lib/db/client.ts";
import { makeNode } from "#lib/db/test-rows.ts";
import { createTestDatabase, type TestDatabase } from "#lib/db/testing.ts";
import { runJson } from "./run-cli.ts";
import { MIB, makeImage, noise, overwrite } from "./test-images.ts";

let folder = "";
let repository = "";
let db: TestDatabase;
let known = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sheepfold-adopt-"));
  repository = join(folder, "repository");
  db = await createTestDatabase();
  expect((await runJson("init", repository, "--technique", "diff")).exitCode).toBe(0);
  known = (await makeNode()).name;
  for (const node of [known, "pc-from-elsewhere"]) {
    const image = join(folder, `${node}.img`);
    await makeImage(image, 2 * MIB);
    for (const seed of [1, 2]) {
      await overwrite(image, MIB / 2, noise(MIB / 4, seed));
      const { exitCode } = await runJson("archive", repository, image, "--node", node, "--partition", "p1");
      expect(exitCode).toBe(0);
    }
  }
});
afterAll(async () => {
  await db.drop();
  await rm(folder, { recursive: true, force: true });
});

async function rows() {
  const snapshots = await database().snapshot.findMany({
    orderBy: { sequence: "asc" },
    include: { node: { include: { group: true } }, images: true, repository: true },
  });
  return snapshots.map(({ images, node, ...row }) => ({
    ...row,
    node: { name: node.name, lifeCycle: node.lifeCycle, group: node.group?.name ?? null },
    images: images.map(({ id: _, ...image }) => image),
  }));
}

describe("adopt", () => {
  test("a dry run tells and records nothing", async () => {
    const { exitCode, value } = await runJson("adopt", repository, "--dry-run");
    expect(exitCode).toBe(0);
    expect(value).toMatchObject({
      dryRun: true,
      repositoryIsNew: true,
      newNodes: ["pc-from-elsewhere"],
      goneIds: [],
    });
    expect(value).toHaveProperty("recordedIds.length", 4);
    expect(await rows()).toEqual([]);
  });

  test("rows come back with technique, base and sizes, and a second time nothing changes", async () => {
    expect((await runJson("adopt", repository)).value).toHaveProperty("recordedIds.length", 4);
    const first = await rows();
    const listed = (await runJson("show", repository, first[1]?.id ?? "")).value as {
      images: { baseId: string }[];
    };
    expect(first[1]).toMatchObject({
      node: { name: known, lifeCycle: "enrolled" },
      repository: { technique: "diff", blockSize: 4096 },
      images: [{ technique: "diff", baseId: first[0]?.id }],
    });
    expect(listed.images[0]?.baseId).toBe(first[0]?.id);
    expect(first[3]?.node).toEqual({ name: "pc-from-elsewhere", lifeCycle: "retired", group: "adopted" });
    const again = await runJson("adopt", repository);
    expect(again.value).toMatchObject({
      recordedIds: [],
      correctedIds: [],
      newNodes: [],
      repositoryIsNew: false,
    });
    expect(await rows()).toEqual(first);
  });

  test("a dry run against a database without tables says what is missing", async () => {
    const { DATABASE_URL = "" } = process.env;
    const withoutTables = new URL(DATABASE_URL);
    withoutTables.pathname = "/postgres";
    process.env.DATABASE_URL = withoutTables.href;
    try {
      const { exitCode, error } = await runJson("adopt", repository, "--dry-run");
      expect(exitCode).not.toBe(0);
      expect(error).toMatchObject({ code: "environment-invalid" });
      expect(error?.hint).toContain("without --dry-run");
    } finally {
      process.env.DATABASE_URL = DATABASE_URL;
    }
  });

  test("an encrypted repository is adopted with its key, and with nothing less", async () => {
    const sealed = join(folder, "sealed");
    const keyFile = join(folder, "sealed.key");
    expect((await runJson("init", sealed, "--encrypt", `key-file:${keyFile}`)).exitCode).toBe(0);
    const image = join(folder, `${known}.img`);
    const archived = ["archive", sealed, image, "--node", known, "--partition", "p1", "--key-file", keyFile];
    expect((await runJson(...archived)).exitCode).toBe(0);
    expect((await runJson("adopt", sealed, "--dry-run")).error).toMatchObject({ code: "key-missing" });
    const { value } = await runJson("adopt", sealed, "--dry-run", "--key-file", keyFile);
    expect(value).toHaveProperty("recordedIds.length", 1);
  });

  test("lost rows, wrong rows and rows without a snapshot are made good", async () => {
    const first = await rows();
    const [a, b, c] = first.map(({ id }) => id);
    await database().snapshot.delete({ where: { id: a } });
    await database().partitionImage.updateMany({
      where: { snapshotId: b },
      data: { baseId: null, storedBytes: 1n },
    });
    await database().snapshot.update({ where: { id: c }, data: { id: "snap_ghost", sequence: 9_999 } });
    const { value } = await runJson("adopt", repository);
    expect(value).toMatchObject({ recordedIds: [a, c], correctedIds: [b], goneIds: ["snap_ghost"] });
    expect((await rows()).filter(({ id }) => id !== "snap_ghost")).toEqual(first);
    expect((await database().snapshot.findUniqueOrThrow({ where: { id: "snap_ghost" } })).verifyState).toBe(
      "corrupt",
    );
  });
});

describe("evaluate --resume", () => {
  test("goes on behind what the file has; a line cut off by a crash is computed again", async () => {
    const file = join(folder, "rows.jsonl");
    const [first] = await rows();
    const asked = ["evaluate", repository, first?.id ?? "", "--block-sizes", "512,4k,64k", "--resume", file];
    const whole = await runJson(...asked);
    expect(whole.exitCode).toBe(0);
    const lines = (await readFile(file, "utf8")).split("\n");
    expect(lines).toHaveLength(5); // the question, three block sizes, and the end
    // The first block size's rows bear a mark that only the file can know; the third's are torn.
    const marked = JSON.parse(lines[1] ?? "") as { rows: { metadataBytes: number }[] };
    for (const row of marked.rows) row.metadataBytes = 77;
    const torn = (lines[3] ?? "").slice(0, 40);
    await writeFile(file, [lines[0], JSON.stringify(marked), lines[2], torn].join("\n"));
    const resumed = await runJson(...asked);
    const expected = (whole.value as { blockSize: number }[]).map((row) =>
      row.blockSize === 512 ? { ...row, metadataBytes: 77 } : row,
    );
    expect(resumed.value).toEqual(expected);
    expect((await readFile(file, "utf8")).split("\n")[3]).toBe(lines[3]);
  });

  test("a file of another question, and one that is none of ours, are refused and left alone", async () => {
    const [first, second] = await rows();
    const file = join(folder, "rows.jsonl");
    const before = await readFile(file, "utf8");
    const other = await runJson("evaluate", repository, second?.id ?? first?.id ?? "", "--resume", file);
    expect(other.exitCode).not.toBe(0);
    expect(await readFile(file, "utf8")).toBe(before);
    const letter = join(folder, "letter.txt");
    await writeFile(letter, "Dear colleague");
    expect((await runJson("evaluate", repository, first?.id ?? "", "--resume", letter)).exitCode).not.toBe(0);
    expect(await readFile(letter, "utf8")).toBe("Dear colleague");
  });
});

describe("prune", () => {
  test("what scrub found damaged is kept for a person and counts for no rule: the good one before it stays", async () => {
    const store = join(folder, "damaged");
    const image = join(folder, "damaged.img");
    expect((await runJson("init", store)).exitCode).toBe(0);
    const archived: string[] = [];
    const packsAfter: string[][] = [];
    for (const seed of [11, 12, 13]) {
      await makeImage(image, 2 * MIB);
      await overwrite(image, 0, noise(2 * MIB, seed));
      const { value } = await runJson("archive", store, image, "--node", "pc01", "--partition", "p1");
      archived.push((value as { id: string }).id);
      packsAfter.push(
        (await readdir(join(store, "packs"), { recursive: true })).filter((name) => name.endsWith(".pack")),
      );
    }
    const newest = packsAfter[2]?.filter((name) => !packsAfter[1]?.includes(name)) ?? [];
    expect(newest.length).toBeGreaterThan(0);
    // Of the same size: opening does not notice, only reading does.
    for (const name of newest) await overwrite(join(store, "packs", name), 1_000, Buffer.from("rot"));
    const verdicts = async () => {
      const { value } = await runJson("prune", store, "--keep-last", "1", "--dry-run");
      return (value as { decisions: { snapshotId: string; verdict: string }[] }).decisions;
    };
    expect((await verdicts()).map(({ verdict }) => verdict)).toEqual(["drop", "drop", "keep"]);
    expect((await runJson("scrub", store)).exitCode).toBe(3);
    expect(await verdicts()).toMatchObject([
      { snapshotId: archived[0], verdict: "drop" },
      { snapshotId: archived[1], verdict: "keep" },
      { snapshotId: archived[2], verdict: "keep" },
    ]);
  });
});
