// Masters and the bandwidth's rules against a real database.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { database } from "#lib/db/client.ts";
import { listReleases } from "#lib/db/releases.ts";
import { makeNode, makeSnapshot, unique } from "#lib/db/test-rows.ts";
import { createTestDatabase, type TestDatabase } from "#lib/db/testing.ts";
import { chooseBandwidth, showBandwidth } from "./choose-bandwidth.ts";
import { unpinSnapshot } from "./pin-snapshot.ts";
import { releaseMaster, withdrawRelease } from "./release-master.ts";

let db: TestDatabase;
const OPERATOR = { id: "user_operator", name: "O", email: "o@example.org", role: "operator" as const };
const ADMIN = { ...OPERATOR, id: "user_admin", role: "admin" as const };
const VIEWER = { ...OPERATOR, role: "viewer" as const };

beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

async function snapshot(): Promise<string> {
  return (await makeSnapshot((await makeNode()).name)).id;
}
const wish = (snapshotId: string, masterName: string) => ({
  ...{ requestId: unique("request"), snapshotId, masterName, note: "first" },
});

describe("releases", () => {
  test("are numbered by master, pin their snapshot, and a double click makes one", async () => {
    const [first, second, other] = [await snapshot(), await snapshot(), await snapshot()];
    const wished = wish(first, "Lab");
    expect(await releaseMaster(OPERATOR, wished)).toMatchObject({ release: { number: 1 } });
    expect(await releaseMaster(OPERATOR, wished)).toMatchObject({ release: { number: 1 } });
    expect(await releaseMaster(OPERATOR, wish(second, "Lab"))).toMatchObject({ release: { number: 2 } });
    expect(await releaseMaster(OPERATOR, wish(other, "Office"))).toMatchObject({ release: { number: 1 } });
    const names = (await listReleases()).map(({ masterName, number }) => `${masterName} ${number}`);
    expect(names).toEqual(["Lab 2", "Lab 1", "Office 1"]);
    const pins = await database().task.findMany({ where: { kind: "pin", snapshotId: first } });
    expect(pins).toHaveLength(1);
  });

  test("two at once take two numbers", async () => {
    const [left, right] = [await snapshot(), await snapshot()];
    const made = await Promise.all([
      releaseMaster(OPERATOR, wish(left, "Twins")),
      releaseMaster(OPERATOR, wish(right, "Twins")),
    ]);
    expect(made.map(({ release }) => release.number).sort()).toEqual([1, 2]);
  });

  test("a snapshot is a release of one master only, and is not unpinned while it is", async () => {
    const snapshotId = await snapshot();
    const { release } = await releaseMaster(OPERATOR, wish(snapshotId, "Once"));
    await expect(releaseMaster(OPERATOR, wish(snapshotId, "Twice"))).rejects.toMatchObject({
      code: "already-released",
    });
    const unpin = { requestId: unique("request"), snapshotId };
    await expect(unpinSnapshot(OPERATOR, unpin)).rejects.toMatchObject({ code: "snapshot-pinned" });
    await withdrawRelease(OPERATOR, { releaseId: release.id });
    expect(await unpinSnapshot(OPERATOR, unpin)).toHaveProperty("jobId");
    await expect(withdrawRelease(OPERATOR, { releaseId: release.id })).rejects.toMatchObject({
      code: "release-unknown",
    });
  });

  test("are refused of unknown or corrupt snapshots, without a note, and to viewers", async () => {
    const snapshotId = await snapshot();
    await expect(releaseMaster(OPERATOR, wish("snap_none", "Lab"))).rejects.toMatchObject({
      code: "snapshot-unknown",
    });
    await expect(releaseMaster(OPERATOR, { ...wish(snapshotId, "Lab"), note: " " })).rejects.toMatchObject({
      code: "input-invalid",
    });
    await expect(releaseMaster(VIEWER, wish(snapshotId, "Lab"))).rejects.toMatchObject({
      code: "not-permitted",
    });
    await database().snapshot.update({ where: { id: snapshotId }, data: { verifyState: "corrupt" } });
    await expect(releaseMaster(OPERATOR, wish(snapshotId, "Lab"))).rejects.toMatchObject({
      code: "snapshot-corrupt",
    });
  });
});

describe("the bandwidth's rules", () => {
  const rule = { days: [1, 2], fromMinute: 450, toMinute: 1080, mbit: 100 };

  test("are none at first, then what an administrator chose", async () => {
    expect(await showBandwidth(VIEWER)).toEqual({ rules: [], timeZone: "UTC" });
    await chooseBandwidth(ADMIN, { rules: [rule], timeZone: "Europe/Vienna" });
    expect(await showBandwidth(VIEWER)).toEqual({ rules: [rule], timeZone: "Europe/Vienna" });
  });

  test("are refused when they name no day, no time zone there is, no speed, or no administrator asks", async () => {
    const refused = [
      { rules: [{ ...rule, days: [] }], timeZone: "UTC" },
      { rules: [{ ...rule, mbit: 0 }], timeZone: "UTC" },
      { rules: [rule], timeZone: "Mars/Phobos" },
    ];
    for (const input of refused)
      await expect(chooseBandwidth(ADMIN, input)).rejects.toMatchObject({ code: "input-invalid" });
    await expect(chooseBandwidth(OPERATOR, { rules: [], timeZone: "UTC" })).rejects.toMatchObject({
      code: "not-permitted",
    });
  });
});
