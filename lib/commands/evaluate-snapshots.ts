// What the button "Evaluate" means: compute what other techniques, block sizes and compressions would cost for these snapshots.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { findSnapshot, listSnapshots, type SnapshotRow } from "#lib/db/snapshots.ts";
import { type Compression, compressionInWords, parseCompression } from "#lib/model/compression.ts";
import { CodedError } from "#lib/model/errors.ts";
import { TECHNIQUES } from "#lib/model/snapshot.ts";
import { Id, parseInput, RequestId } from "./input.ts";
import { wish } from "./wish.ts";

/** A job this size runs for a day on a small server; larger ones are the command line's. */
const SNAPSHOTS_MAX = 64;
const BLOCK_BYTES_MIN = 512;
const BLOCK_BYTES_MAX = 4 * 1024 * 1024;

const blockSize = z
  .number()
  .refine(
    (size) => size >= BLOCK_BYTES_MIN && size <= BLOCK_BYTES_MAX && Number.isInteger(Math.log2(size)),
    `must be powers of two from ${BLOCK_BYTES_MIN} to ${BLOCK_BYTES_MAX}`,
  );

export const EvaluateSnapshotsInput = z.object({
  requestId: RequestId,
  /** In the order in which they would be archived. */
  snapshotIds: z.array(Id).max(SNAPSHOTS_MAX).optional(),
  /** Instead: the newest so many snapshots of a PC, oldest first; those found corrupt are left out. */
  nodeId: Id.optional(),
  snapshotCount: z.number().int().min(1).max(SNAPSHOTS_MAX).default(8),
  techniques: z
    .array(z.enum(TECHNIQUES))
    .min(1)
    .default([...TECHNIQUES]),
  blockSizes: z.array(blockSize).min(1).max(14).default([4096, 16384, 65536]),
  compressions: z.array(z.string().max(16)).min(1).max(6).default(["none", "gzip", "zstd"]),
  base: z.enum(["previous", "first"]).default("previous"),
});

export async function evaluateSnapshots(
  viewer: Viewer,
  input: z.input<typeof EvaluateSnapshotsInput>,
): Promise<{ readonly jobId: string }> {
  permit(viewer, "evaluate");
  const asked = parseInput(EvaluateSnapshotsInput, input);
  const snapshots = await snapshotsOf(asked);
  const imageBytes = snapshots.map(({ sizeBytes }) => sizeBytes);
  const totalBytes = imageBytes.reduce((sum, bytes) => sum + bytes, 0);
  const blockSizes = [...new Set(asked.blockSizes)].sort((a, b) => a - b);
  const count = snapshots.length;
  return wish(
    viewer,
    {
      kind: "evaluate",
      requestId: asked.requestId,
      title: count === 1 ? "Evaluate a snapshot" : `Evaluate ${count} snapshots`,
      options: {
        base: asked.base,
        snapshotIds: snapshots.map(({ id }) => id),
        imageBytes,
        techniques: [...new Set(asked.techniques)],
        blockSizes,
        compressions: [...new Set(asked.compressions.map(wordsOf))],
      },
      tasks: [{ kind: "evaluate", nodeId: null, totalBytes: totalBytes * blockSizes.length }],
      whenBusy: "refuse",
    },
    { subject: "repository", facts: { snapshots: count } },
  );
}

type Asked = z.output<typeof EvaluateSnapshotsInput>;

/** Refuses what is not there, and what two repositories hold. */
async function snapshotsOf(asked: Asked): Promise<SnapshotRow[]> {
  const snapshots = asked.snapshotIds === undefined ? await newestOf(asked) : await named(asked.snapshotIds);
  if (snapshots.length === 0) {
    throw new CodedError("input-invalid", "There is no snapshot to evaluate.", {
      hint: "Name snapshots, or a PC that has some.",
    });
  }
  if (new Set(snapshots.map(({ repositoryId }) => repositoryId)).size === 1) return snapshots;
  throw new CodedError("input-invalid", "These snapshots lie in several repositories.", {
    hint: "Evaluate those of each repository by themselves.",
  });
}

async function newestOf({ nodeId, snapshotCount }: Asked): Promise<SnapshotRow[]> {
  if (nodeId === undefined) return [];
  const rows = await listSnapshots({ nodeId, limit: snapshotCount });
  return rows.filter(({ verifyState }) => verifyState !== "corrupt").reverse();
}

async function named(snapshotIds: readonly string[]): Promise<SnapshotRow[]> {
  const rows: SnapshotRow[] = [];
  for (const id of snapshotIds) {
    const row = await findSnapshot(id);
    if (row === null) throw new CodedError("snapshot-unknown", `There is no snapshot ${id}.`);
    rows.push(row);
  }
  return rows;
}

function wordsOf(text: string): string {
  const compression: Compression | null = parseCompression(text);
  if (compression !== null) return compressionInWords(compression);
  throw new CodedError("input-invalid", `There is no compression ${JSON.stringify(text)}.`, {
    hint: "Use none, gzip, gzip:1 to gzip:9, zstd, or zstd:1 to zstd:19.",
  });
}
