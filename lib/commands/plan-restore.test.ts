import { describe, expect, test } from "vitest";
import type { SnapshotRow } from "#lib/db/snapshots.ts";
import { DISK_LAYOUT, type DiskInfo } from "#lib/model/node.ts";
import type { SkipReason } from "#lib/model/plan.ts";
import type { ImageRecord } from "#lib/model/snapshot.ts";
import { decideRestorePlan } from "./plan-restore.ts";
import { chooseSnapshot, type NodeRestoreFacts, type RestoreFacts } from "./restore-facts.ts";

const MIB = 1024 * 1024;

function snapshot(change: Partial<SnapshotRow> = {}): SnapshotRow {
  const image = {
    partition: "p1",
    sizeBytes: 100 * MIB,
    technique: "repository" as const,
    contentRoot: "0".repeat(64),
    newBytes: 0,
    storedBytes: 0,
    fillBytes: 0,
    unchangedBytes: 0,
    details: { diskSerial: "S1" },
  };
  return {
    id: "snap_00000000000000000001",
    repositoryId: "r",
    nodeId: "node_1",
    nodeName: "pc-1",
    jobId: null,
    sequence: 1,
    parentId: null,
    purpose: "manual",
    comment: "",
    createdAt: "2026-01-01T08:00:00.000Z",
    seconds: 1,
    sizeBytes: 100 * MIB,
    fillBytes: 0,
    unchangedBytes: 0,
    newBytes: 0,
    storedBytes: 0,
    verifyState: "never",
    verifiedAt: null,
    pinReason: null,
    images: [image],
    ...change,
  };
}

function disk(partitionBytes: number | null, serial = "S1"): DiskInfo {
  const partition = { name: "p1", label: "", typeName: "", offsetBytes: MIB, sizeBytes: partitionBytes ?? 0 };
  const partitions = partitionBytes === null ? [] : [partition];
  return { serial, model: "m", sizeBytes: 200 * MIB, sectorSize: 512, partitions };
}

function withTable(bare: DiskInfo): DiskInfo {
  const layout = { name: DISK_LAYOUT, label: "", typeName: "", offsetBytes: 0, sizeBytes: MIB };
  return { ...bare, partitions: [layout, ...bare.partitions] };
}

const GOOD: NodeRestoreFacts = {
  nodeId: "node_1",
  nodeName: "pc-1",
  lifeCycle: "enrolled",
  online: true,
  disks: [disk(100 * MIB)],
  heldBy: null,
  snapshot: snapshot(),
  wasRolledBack: false,
  later: [],
  isClone: false,
  mayReplaceLayout: false,
  isThere: false,
  safety: false,
  localization: null,
};

function factsOf(...nodes: NodeRestoreFacts[]): RestoreFacts {
  const at = "2026-01-01T09:00:00.000Z";
  return { kind: "roll-back-classroom", subject: "group_1", subjectName: "Room 1", at, nodes };
}

function decideOne(change: Partial<NodeRestoreFacts>) {
  const [item] = decideRestorePlan(factsOf({ ...GOOD, ...change })).items;
  if (item === undefined) throw new Error("one node, one item");
  return item;
}

describe("a clone's decision", () => {
  const clone = (change: Partial<NodeRestoreFacts> = {}) =>
    decideOne({
      nodeId: "node_2",
      nodeName: "pc-2",
      isClone: true,
      disks: [disk(100 * MIB, "S2")],
      ...change,
    });

  test("another PC's snapshot goes to the disk it fits; at most all that is not empty is written", () => {
    const images = [{ ...(snapshot().images[0] as ImageRecord), fillBytes: 30 * MIB }];
    expect(clone({ snapshot: snapshot({ images }) })).toMatchObject({
      action: "restore",
      diskMap: { S1: "S2" },
      compareBytes: 100 * MIB,
      knownChangedBytes: 70 * MIB,
    });
  });

  test("what would be lost for good is said", () => {
    expect(clone().explanation).toContain("gone for good");
    expect(clone({ later: [snapshot()] }).explanation).toContain("Its own snapshot stays");
    expect(clone({ nodeId: "node_1", disks: [disk(100 * MIB)] }).explanation).toContain("was taken of");
  });

  test("what was written last is written again only where it has changed", () => {
    expect(clone({ isThere: true })).toMatchObject({ action: "restore", knownChangedBytes: 0 });
  });

  test("replaces another partition table only when the person said so, and says what that takes away", () => {
    const image = snapshot().images[0];
    if (image === undefined) throw new Error("The snapshot has no image.");
    const details = { diskSerial: "MASTER", diskBytes: String(200 * MIB) };
    const layout = {
      ...image,
      partition: DISK_LAYOUT,
      sizeBytes: MIB,
      details: { ...details, partition: DISK_LAYOUT },
    };
    const images = [layout, { ...image, details: { ...details, partition: "p1" } }];
    const other = { snapshot: snapshot({ images }), disks: [withTable(disk(99 * MIB, "S2"))] };
    expect(clone(other)).toMatchObject({ action: "skip", reason: "disk-too-small" });
    const replaced = clone({ ...other, mayReplaceLayout: true });
    expect(replaced).toMatchObject({ action: "restore", replacesLayout: true, diskMap: { MASTER: "S2" } });
    expect(replaced.explanation).toContain("all partitions it has now will be gone");
    const fits = clone({ ...other, disks: [withTable(disk(100 * MIB, "S2"))], mayReplaceLayout: true });
    expect(fits.replacesLayout).toBeUndefined();
  });

  test("a PC whose disks do not fit is left out", () => {
    expect(clone({ disks: [disk(99 * MIB, "S2")] })).toMatchObject({ reason: "disk-too-small" });
    expect(clone({ disks: [disk(100 * MIB, "S2"), disk(100 * MIB, "S3")] }).reason).toBe("disk-ambiguous");
  });
});

describe("a roll back's decision", () => {
  test("a node that is there, idle and unchanged in shape is restored", () => {
    expect(decideOne({})).toMatchObject({ action: "restore", reason: null, compareBytes: 100 * MIB });
  });

  const CASES: readonly [string, Partial<NodeRestoreFacts>, SkipReason][] = [
    ["waits for approval", { lifeCycle: "pending" }, "not-enrolled"],
    ["was retired", { lifeCycle: "retired" }, "not-enrolled"],
    ["was refused", { lifeCycle: "refused" }, "not-enrolled"],
    ["has no snapshot so early", { snapshot: null }, "no-snapshot"],
    ["is held by another job", { heldBy: "Snapshot Room 1" }, "busy"],
    ["is not heard", { online: false }, "offline"],
    ["has no disk", { disks: [] }, "disk-missing"],
    ["has another disk", { disks: [disk(100 * MIB, "S2")] }, "disk-missing"],
    ["lost the partition", { disks: [disk(null)] }, "partition-missing"],
    ["has a smaller partition", { disks: [disk(99 * MIB)] }, "disk-too-small"],
    [
      "has a snapshot known to be damaged",
      { snapshot: snapshot({ verifyState: "corrupt" }) },
      "snapshot-corrupt",
    ],
    ["has a larger partition", { disks: [disk(101 * MIB)] }, "layout-differs"],
  ];
  for (const [what, change, reason] of CASES) {
    test(`a node that ${what} is left out: ${reason}`, () => {
      const item = decideOne(change);
      expect(item).toMatchObject({ action: "skip", reason, compareBytes: 0, knownChangedBytes: 0 });
      expect(item.explanation).not.toBe("");
    });
  }

  test("what a person must fix first is named first", () => {
    expect(decideOne({ lifeCycle: "pending", online: false, snapshot: null }).reason).toBe("not-enrolled");
    expect(decideOne({ heldBy: "x", online: false }).reason).toBe("busy");
  });

  test("the second of two disks is found by its serial", () => {
    const item = decideOne({ disks: [disk(5 * MIB, "S0"), disk(100 * MIB, "S1")] });
    expect(item.action).toBe("restore");
  });

  test("a disk whose partition table is gone gets it back when the snapshot holds it and the disk is the same", () => {
    const image = (partition: string, sizeBytes: number) => ({
      ...(snapshot().images[0] as ImageRecord),
      partition,
      sizeBytes,
      details: { diskSerial: "S1", partition, diskBytes: String(200 * MIB) },
    });
    const whole = { name: "p1", label: "", typeName: "whole disk", offsetBytes: 0, sizeBytes: 200 * MIB };
    const wiped = { ...disk(null), partitions: [whole] };
    const withLayout = snapshot({ images: [image("disk-layout", MIB), image("p1", 100 * MIB)] });
    const decided = decideOne({ disks: [wiped], snapshot: withLayout });
    expect(decided).toMatchObject({
      action: "restore",
      explanation: expect.stringContaining("partition table"),
    });
    expect(decideOne({ disks: [wiped] })).toMatchObject({ reason: "layout-differs" });
    const smaller = { ...wiped, sizeBytes: 100 * MIB };
    expect(decideOne({ disks: [smaller], snapshot: withLayout })).toMatchObject({ reason: "disk-too-small" });
  });

  test("with several disks an image is matched by its partition's own name", () => {
    const stored = snapshot().images[0] as ImageRecord;
    const details = { diskSerial: "S1", partition: "p1" };
    const images = [{ ...stored, partition: "S1.p1", details }];
    const disks = [disk(5 * MIB, "S0"), disk(100 * MIB, "S1")];
    expect(decideOne({ disks, snapshot: snapshot({ images }) }).action).toBe("restore");
  });

  test("known changes are those between later snapshots, never more than the whole", () => {
    const later = (unchangedBytes: number) => snapshot({ sequence: 2, unchangedBytes });
    expect(decideOne({ later: [later(90 * MIB)] }).knownChangedBytes).toBe(10 * MIB);
    expect(decideOne({ later: [later(90 * MIB), later(70 * MIB)] }).knownChangedBytes).toBe(40 * MIB);
    expect(decideOne({ later: [later(0), later(0)] }).knownChangedBytes).toBe(100 * MIB);
  });

  test("the hash is of the deeds: it moves with any of them and not with words or estimates", () => {
    const hash = (...nodes: NodeRestoreFacts[]) => decideRestorePlan(factsOf(...nodes)).hash;
    const before = hash(GOOD);
    expect(hash({ ...GOOD, later: [snapshot({ sequence: 2 })] })).toBe(before);
    expect(hash({ ...GOOD, nodeName: "renamed" })).toBe(before);
    expect(hash({ ...GOOD, online: false })).not.toBe(before);
    expect(hash({ ...GOOD, snapshot: snapshot({ id: "snap_00000000000000000002" }) })).not.toBe(before);
    expect(hash(GOOD, { ...GOOD, nodeId: "node_2" })).not.toBe(before);
  });
});

describe("which snapshot a roll back goes to", () => {
  const first = snapshot({ id: "snap_00000000000000000001", sequence: 1 });
  const second = snapshot({ id: "snap_00000000000000000002", sequence: 2 });
  const third = snapshot({ id: "snap_00000000000000000003", sequence: 3 });
  const snapshots = [third, second, first];

  test("what was on the disks then, even if a newer snapshot existed already", () => {
    const chosen = chooseSnapshot({ snapshots, exact: null, atMoment: first, by: "restore" });
    expect(chosen).toEqual({ snapshot: first, wasRolledBack: true, later: [third, second] });
  });

  test("the newest from then, when the node had been captured last", () => {
    const chosen = chooseSnapshot({ snapshots, exact: null, atMoment: second, by: "archive" });
    expect(chosen).toEqual({ snapshot: second, wasRolledBack: false, later: [third] });
  });

  test("the named one, whatever was on the disks at its time", () => {
    const chosen = chooseSnapshot({ snapshots, exact: second, atMoment: first, by: "restore" });
    expect(chosen).toEqual({ snapshot: second, wasRolledBack: false, later: [third] });
  });

  test("none, when the node had never been captured", () => {
    const chosen = chooseSnapshot({ snapshots, exact: null, atMoment: null, by: "archive" });
    expect(chosen).toEqual({ snapshot: null, wasRolledBack: false, later: [] });
  });

  test("later snapshots of another repository are not counted: their order says nothing", () => {
    const elsewhere = snapshot({ id: "snap_00000000000000000004", sequence: 9, repositoryId: "other" });
    const chosen = chooseSnapshot({
      snapshots: [elsewhere, ...snapshots],
      exact: null,
      atMoment: third,
      by: "archive",
    });
    expect(chosen.later).toEqual([]);
  });

  test("a plan says that a node had been rolled back by then", () => {
    expect(decideOne({ wasRolledBack: true }).explanation).toContain("had been rolled back");
    expect(decideOne({}).explanation).not.toContain("had been rolled back");
  });
});
