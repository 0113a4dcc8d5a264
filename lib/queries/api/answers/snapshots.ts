// Snapshots, plans to restore them, and masters made of them, as the API answers them.
import { z } from "zod";
import { VERIFY_STATES } from "#lib/db/snapshots.ts";
import { PLAN_KINDS, PLAN_STEPS, SKIP_REASONS } from "#lib/model/plan.ts";
import { SNAPSHOT_PURPOSES, TECHNIQUES } from "#lib/model/snapshot.ts";
import { ByteCount, Moment } from "./shared.ts";

const ImageFields = z
  .object({
    partition: z.string(),
    technique: z.enum(TECHNIQUES),
    baseId: z.string().optional().describe("Of a diff: the snapshot it was made against."),
    contentRoot: z.string().describe("Equal for equal images, in any repository."),
    sizeBytes: ByteCount,
    fillBytes: ByteCount.describe("Of pages that are one repeated byte; never stored."),
    unchangedBytes: ByteCount.describe("Of pages equal to those of the snapshot before."),
    newBytes: ByteCount.describe("Of blocks that were nowhere yet."),
    storedBytes: ByteCount.describe("What it added to the repository."),
    details: z.record(z.string(), z.string()).describe("The PC's words: label, type, offset, disk serial."),
  })
  .meta({ id: "Image" });

export const SnapshotFields = z
  .object({
    id: z.string(),
    repositoryId: z.string(),
    nodeId: z.string(),
    nodeName: z.string(),
    jobId: z.string().nullable(),
    sequence: z.number().int().describe("Commit order in the repository."),
    parentId: z.string().nullable(),
    purpose: z.enum(SNAPSHOT_PURPOSES),
    comment: z.string(),
    createdAt: Moment,
    seconds: z.number(),
    sizeBytes: ByteCount,
    fillBytes: ByteCount,
    unchangedBytes: ByteCount,
    newBytes: ByteCount,
    storedBytes: ByteCount,
    verifyState: z.enum(VERIFY_STATES),
    verifiedAt: Moment.nullable(),
    pinReason: z.string().nullable().describe("Why prune leaves it alone; null: not pinned."),
    images: z.array(ImageFields),
  })
  .meta({ id: "Snapshot" });

const PlanItem = z
  .object({
    nodeId: z.string(),
    nodeName: z.string(),
    action: z.enum(["restore", "skip"]),
    reason: z.enum(SKIP_REASONS).nullable().describe("Why it is left out."),
    explanation: z.string(),
    snapshotId: z.string().nullable(),
    snapshotAt: Moment.nullable(),
    compareBytes: ByteCount,
    knownChangedBytes: ByteCount.describe(
      "What is known to have changed since; the PC's comparison decides.",
    ),
    diskMap: z.record(z.string(), z.string()).optional(),
    replacesLayout: z.boolean().optional().describe("The disk gets the snapshot's partition table."),
    steps: z.array(z.enum(PLAN_STEPS)).optional(),
    localizationDigest: z.string().optional(),
  })
  .meta({ id: "PlanItem" });

export const Plan = z
  .object({
    id: z.string(),
    hash: z.string().describe("Send it back to apply what was shown, and nothing else."),
    kind: z.enum(PLAN_KINDS),
    subject: z.string(),
    subjectName: z.string().describe("To be typed when the plan concerns several PCs."),
    at: z.string(),
    items: z.array(PlanItem),
    createdAt: Moment,
    expiresAt: Moment,
  })
  .meta({ id: "Plan" });

export const ReleaseFields = z
  .object({
    id: z.string(),
    masterName: z.string(),
    number: z.number().int().describe("1, 2, … of its master."),
    snapshotId: z.string(),
    note: z.string().describe("What is new in it."),
    createdAt: Moment,
  })
  .meta({ id: "Release" });

export const ReleaseMade = z.object({ release: ReleaseFields });

export const ReleaseListed = ReleaseFields.extend({
  createdBy: z.string(),
  nodeId: z.string(),
  nodeName: z.string(),
  sizeBytes: ByteCount,
}).meta({ id: "ReleaseListed" });
