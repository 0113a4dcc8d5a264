// One task makes one snapshot, however its leases overlap. A real repository in a temporary folder.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  createRepository,
  openLocalDisk,
  openRepository,
  type Repository,
  type Storage,
} from "#lib/engine/repository.ts";
import { hashPage } from "#lib/page/page.ts";
import { ArchiveSessions, commitOnce, finishImage, writerOf } from "./archive-sessions.ts";
import type { LeasedTask } from "./store.ts";

const BYTES = 4096;
const TASK: LeasedTask = {
  taskId: "task_1",
  jobId: "job_1",
  kind: "archive",
  snapshotId: null,
  diskMap: null,
  replacesLayout: false,
  localizationId: null,
  writtenFrom: null,
  peers: [],
  nodeName: "pc",
  attempt: 1,
  purpose: "manual",
  storage: {},
  comment: "",
  disks: [
    {
      serial: "S",
      model: "",
      sizeBytes: BYTES,
      sectorSize: 512,
      partitions: [{ name: "p1", label: "", typeName: "", offsetBytes: 0, sizeBytes: BYTES }],
    },
  ],
};

let folder: string;
let storage: Storage;
let repository: Repository;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sheepfold-sessions-"));
  storage = await openLocalDisk(folder);
  await createRepository({ storage });
  repository = await openRepository({ storage, access: "write", threads: 0 });
});

afterEach(async () => {
  await repository.close();
  await storage.close();
  await rm(folder, { recursive: true, force: true });
});

test("a task leased again while its snapshot is being committed finds that snapshot", async () => {
  const archives = new ArchiveSessions(repository);
  const archive = await archives.open(TASK);
  const writer = await writerOf(archive, 0);
  const page = Buffer.alloc(BYTES, "Sheepfold ");
  expect(writer.offer(0, hashPage(page))).toEqual([0]);
  await writer.put(0, page);
  await finishImage(archive, 0);
  expect(await archives.madeBefore(TASK.taskId)).toBeNull();
  const committing = commitOnce(archive);
  const found = await archives.madeBefore(TASK.taskId);
  expect(found?.id).toBe((await committing).id);
  expect(repository.snapshots()).toHaveLength(1);
});

test("a task's choice of technique, compression and base is the archive's", async () => {
  const archives = new ArchiveSessions(repository);
  const archived = async (taskId: string, fill: string, storage: LeasedTask["storage"]) => {
    const archive = await archives.open({ ...TASK, taskId, storage });
    const writer = await writerOf(archive, 0);
    const page = Buffer.alloc(BYTES, fill);
    expect(writer.offer(0, hashPage(page))).toEqual([0]);
    await writer.put(0, page);
    await finishImage(archive, 0);
    return commitOnce(archive);
  };
  const full = await archived("task_1", "Sheepfold ", {
    technique: "full",
    compression: { codec: "none", level: 0 },
  });
  const diff = await archived("task_2", "other bytes ", { technique: "diff", base: full.id });
  expect(full.images[0]?.technique).toBe("full");
  expect(diff.images[0]).toMatchObject({ technique: "diff", baseId: full.id });
  expect(full.images[0]?.storedBytes).toBeGreaterThan(BYTES);
  expect(diff.images[0]?.storedBytes).toBeLessThan(BYTES);
  const wrong = archives.open({
    ...TASK,
    taskId: "task_3",
    storage: { technique: "diff", base: "snap_none" },
  });
  await expect(wrong).rejects.toMatchObject({ code: "snapshot-unknown" });
});
