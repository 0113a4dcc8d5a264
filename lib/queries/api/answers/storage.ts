// Repositories, their sizes over time, evaluations, and the network's limits, as the API answers them.
import { z } from "zod";
import { TECHNIQUES } from "#lib/model/snapshot.ts";
import { ByteCount, Count, Moment } from "./shared.ts";

const Sample = z
  .object({
    repositoryId: z.string(),
    at: Moment,
    snapshotCount: Count,
    logicalBytes: ByteCount.describe("Of all images together, as if nothing were shared."),
    fillBytes: ByteCount,
    uniqueBytes: ByteCount.describe("Of distinct blocks."),
    compressedBytes: ByteCount,
    storedBytes: ByteCount.describe("What the repository takes."),
  })
  .meta({ id: "StorageSample" });

export const RepositoryWithSamples = z
  .object({
    id: z.string(),
    name: z.string(),
    path: z.string(),
    blockSize: z.number().int(),
    samples: z.array(Sample).describe("The newest thousand, oldest first."),
  })
  .meta({ id: "Repository" });

export const Evaluation = z
  .object({
    id: z.string(),
    jobId: z.string(),
    repositoryId: z.string(),
    createdAt: Moment,
    finishedAt: Moment.nullable(),
    wish: z.object({
      snapshotIds: z.array(z.string()),
      imageBytes: z.array(z.number()),
      techniques: z.array(z.enum(TECHNIQUES)),
      blockSizes: z.array(z.number().int()),
      compressions: z.array(z.string()),
      base: z.enum(["previous", "first"]),
    }),
    rows: z.array(
      z.object({
        snapshotId: z.string(),
        technique: z.enum(TECHNIQUES),
        blockSize: z.number().int(),
        compression: z.string(),
        dataBytes: ByteCount,
        metadataBytes: ByteCount,
        totalBytes: ByteCount,
        incrementBytes: z.number().int(),
      }),
    ),
  })
  .meta({ id: "Evaluation" });

export const Bandwidth = z
  .object({
    rules: z.array(
      z.object({
        days: z.array(z.number().int()).describe("0 is Sunday."),
        fromMinute: Count,
        toMinute: Count,
        mbit: z.number(),
      }),
    ),
    timeZone: z.string(),
  })
  .meta({ id: "Bandwidth" });
