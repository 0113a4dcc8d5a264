// Rows for tests, made through the same functions as in production: an enrolled node in a classroom, a user, a snapshot, a job.
import { randomBytes } from "node:crypto";
import { systemRandom } from "#lib/model/clock.ts";
import { newId } from "#lib/model/ids.ts";
import type { Role } from "#lib/model/people.ts";
import type { SnapshotRecord } from "#lib/model/snapshot.ts";
import { createGroup } from "./groups.ts";
import { createJobOnce, type NewJob } from "./jobs.ts";
import { approveNode, enrolNode, recordHello } from "./nodes.ts";
import { recordRepository } from "./repositories.ts";
import { recordSnapshot } from "./snapshots.ts";
import { createUserWithPassword, type UserRow } from "./users.ts";

export const PARTITION_BYTES = 64 * 1024 * 1024;
export const REPOSITORY_ID = "repository-of-tests";

export function unique(word: string): string {
  return `${word}-${randomBytes(5).toString("hex")}`;
}

export async function makeViewer(role: Role): Promise<UserRow> {
  const email = `${unique(role)}@example.org`;
  const id = await createUserWithPassword({ email, name: role, role, passwordHash: "none" });
  return { id, name: role, email, role };
}

export async function makeGroup(): Promise<{ id: string; name: string }> {
  return createGroup(unique("room"));
}

/** Enrolled, online, with one disk of one partition. */
export async function makeNode(groupId: string | null = null): Promise<{ id: string; name: string }> {
  const name = unique("pc");
  const { nodeId } = await enrolNode({
    keyHash: randomBytes(32).toString("hex"),
    proposedName: name,
    code: "AB-12",
    agentVersion: "1",
  });
  await approveNode(nodeId, { name, groupId });
  const partition = { name: "p1", label: "", typeName: "", offsetBytes: 4096, sizeBytes: PARTITION_BYTES };
  const disk = { serial: "S1", model: "m", sizeBytes: 2 * PARTITION_BYTES, sectorSize: 512 };
  await recordHello(nodeId, { agentVersion: "1", disks: [{ ...disk, partitions: [partition] }] });
  return { id: nodeId, name };
}

let lastSequence = 0;

export async function makeSnapshot(nodeName: string, createdAt = new Date()): Promise<SnapshotRecord> {
  await recordRepository({ id: REPOSITORY_ID, name: "Tests", path: "/nowhere", blockSize: 4096 });
  lastSequence += 1;
  const record: SnapshotRecord = {
    id: newId("snap", systemRandom),
    sequence: lastSequence,
    node: nodeName,
    createdAt: createdAt.toISOString(),
    seconds: 1,
    parentId: null,
    purpose: "manual",
    comment: "",
    requestId: null,
    images: [
      {
        partition: "p1",
        sizeBytes: PARTITION_BYTES,
        technique: "repository",
        contentRoot: "0".repeat(64),
        newBytes: 1,
        storedBytes: 1,
        fillBytes: 0,
        unchangedBytes: 0,
        details: { diskSerial: "S1" },
      },
    ],
  };
  await recordSnapshot(record, { repositoryId: REPOSITORY_ID, jobId: null });
  return record;
}

/** A queued job with an archive task per node. */
export async function makeJob(nodeIds: readonly string[], change: Partial<NewJob> = {}): Promise<string> {
  const { jobId } = await createJobOnce({
    kind: "snapshot-classroom",
    requestId: unique("request"),
    title: "Snapshot",
    createdBy: "user_test",
    tasks: nodeIds.map((nodeId) => ({ kind: "archive", nodeId })),
    whenBusy: "refuse",
    ...change,
  });
  return jobId;
}
