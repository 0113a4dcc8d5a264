// What makes copies of a master differ, as the API answers it: what was declared, what was found in its bytes, what one PC would get.
import { z } from "zod";
import { ENCODINGS, OBSTACLE_REASONS, PADDINGS } from "#lib/model/localization.ts";
import { ByteCount, Count, Failure, Moment } from "./shared.ts";
import { SnapshotFields } from "./snapshots.ts";

const Recipe = z.record(z.string(), z.union([z.string(), z.number()]));

export const Spec = z
  .object({
    identityImage: z.string().nullable().describe("The partition that becomes the identity volume."),
    tokens: z.array(z.object({ name: z.string(), padding: z.enum(PADDINGS), count: Count })),
    recipes: z.array(Recipe),
  })
  .meta({ id: "LocalizationSpec" });

export const SpecDeclared = z.object({ spec: Spec });

const Token = z.object({
  offsetBytes: ByteCount,
  lengthBytes: ByteCount,
  encoding: z.enum(ENCODINGS),
  name: z.string(),
  surroundings: z.array(z.string()).describe("Hashes of what lies around it, page by page."),
});

const Obstacle = z.object({
  reason: z.enum(OBSTACLE_REASONS),
  explanation: z.string(),
  token: z.string().optional().describe("It stands against this token only; left out: against all."),
});

export const ReleaseDetails = z
  .object({
    master: z.object({
      releaseId: z.string(),
      masterName: z.string(),
      number: z.number().int(),
      spec: Spec.nullable(),
      scan: z
        .array(z.object({ partition: z.string(), tokens: z.array(Token), obstacles: z.array(Obstacle) }))
        .nullable()
        .describe("Null: nobody has looked for tokens yet."),
      scannedAt: Moment.nullable(),
    }),
    note: z.string(),
    snapshot: SnapshotFields,
    partitions: z.array(z.object({ name: z.string(), label: z.string(), sizeBytes: ByteCount })),
    tokens: z.array(
      z.object({
        name: z.string(),
        count: Count,
        partitions: z.array(z.string()),
        encodings: z.array(z.string()),
        roomCharacters: z.number().nullable().describe("Of its shortest place; null: it is nowhere."),
      }),
    ),
    nodes: z.array(z.object({ nodeId: z.string(), name: z.string(), groupName: z.string().nullable() })),
  })
  .meta({ id: "ReleaseDetails" });

export const NodePreview = z
  .object({
    nodeId: z.string(),
    nodeName: z.string(),
    digest: z.string(),
    problem: Failure.nullable().describe("Why it would be left out; then there is no preview."),
    preview: z
      .object({
        files: z.array(z.object({ path: z.string(), sizeBytes: ByteCount, text: z.string() })),
        tokens: z.array(
          z.object({
            partition: z.string(),
            offsetBytes: ByteCount,
            name: z.string(),
            encoding: z.string(),
            lengthBytes: ByteCount,
            value: z.string(),
          }),
        ),
        recipes: z.array(Recipe),
        patchedPageCount: Count,
        differingBytes: ByteCount,
        volumeBytes: ByteCount,
      })
      .nullable(),
  })
  .meta({ id: "NodePreview" });
