// The enrolment inbox on a real database: bounded, and fair to those who still wait.
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { database } from "./client.ts";
import { createEnrolmentKey } from "./groups.ts";
import { enrolNode, findNodeByKeyHash, refuseNode, secretHash } from "./nodes.ts";
import { makeSnapshot } from "./test-rows.ts";
import { createTestDatabase, type TestDatabase } from "./testing.ts";

const FULL = 500;
let db: TestDatabase;

beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(async () => {
  await db.drop();
});
beforeEach(async () => {
  await database().node.deleteMany();
});

const enrol = (keyHash: string, enrolmentKey?: string) =>
  enrolNode({ keyHash, proposedName: "pc", code: "AB-12", agentVersion: "1", enrolmentKey });

/** As many pending rows as fit; the first ones asked last `secondsAgo`, the others just now. */
async function fillInbox(
  silent: readonly { readonly key: string; readonly secondsAgo: number }[],
): Promise<void> {
  const row = (key: string, lastSeenAt: Date) => ({
    id: `node_${key}`,
    name: key,
    keyHash: key,
    enrolmentCode: "AB-12",
    lastSeenAt,
  });
  const now = Date.now();
  await database().node.createMany({
    data: [
      ...silent.map(({ key, secondsAgo }) => row(key, new Date(now - secondsAgo * 1_000))),
      ...Array.from({ length: FULL - silent.length }, (_, index) => row(`asks-${index}`, new Date(now))),
    ],
  });
}

const pendingCount = () => database().node.count({ where: { lifeCycle: "pending" } });

test("a full inbox turns a new PC away while all in it still ask; it lets known ones ask on", async () => {
  await fillInbox([]);
  await expect(enrol("new")).rejects.toMatchObject({ code: "enrolment-too-many", retry: "later" });
  expect(await findNodeByKeyHash("new")).toBeNull();
  expect((await enrol("asks-7")).lifeCycle).toBe("pending");
  expect(await pendingCount()).toBe(FULL);
});

test("the one that has been silent for longest gives way, and may come back when it asks again", async () => {
  await fillInbox([
    { key: "silent", secondsAgo: 120 },
    { key: "silent-longest", secondsAgo: 7_200 },
  ]);
  expect((await enrol("new")).lifeCycle).toBe("pending");
  expect(await findNodeByKeyHash("silent-longest")).toBeNull();
  expect(await findNodeByKeyHash("silent")).not.toBeNull();
  expect((await enrol("silent-longest")).lifeCycle).toBe("pending"); // now "silent" gave way
  expect(await findNodeByKeyHash("silent")).toBeNull();
  expect(await pendingCount()).toBe(FULL);
  await expect(enrol("silent")).rejects.toMatchObject({ code: "enrolment-too-many" });
});

test("a row that has snapshots never gives way", async () => {
  await fillInbox([
    { key: "with-history", secondsAgo: 7_200 },
    { key: "silent", secondsAgo: 120 },
  ]);
  await makeSnapshot("with-history");
  expect((await enrol("new")).lifeCycle).toBe("pending");
  expect(await findNodeByKeyHash("with-history")).not.toBeNull();
  expect(await findNodeByKeyHash("silent")).toBeNull();
  await expect(enrol("newer")).rejects.toMatchObject({ code: "enrolment-too-many" });
  await database().snapshot.deleteMany();
});

test("a refused key stays refused, takes no place in the inbox and never gives way", async () => {
  const { nodeId } = await enrol("refused");
  await refuseNode(nodeId);
  await database().node.update({ where: { id: nodeId }, data: { lastSeenAt: new Date(0) } });
  await fillInbox([{ key: "silent", secondsAgo: 120 }]);
  expect((await enrol("new")).lifeCycle).toBe("pending");
  expect((await enrol("refused")).lifeCycle).toBe("refused");
  expect(await findNodeByKeyHash("silent")).toBeNull();
});

test("an enrolment key lets a PC in however full the inbox is", async () => {
  await fillInbox([]);
  await createEnrolmentKey({ name: "k", secretHash: secretHash("s"), groupId: null, expiresAt: null });
  expect((await enrol("keyed", "s")).lifeCycle).toBe("enrolled");
  expect(await pendingCount()).toBe(FULL);
});
