// What other ways of keeping a master and its clones would cost: one gzip image as a person makes it, and the techniques as the
// product's own evaluation computes them from the real snapshots.
import { spawn } from "node:child_process";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import { runMeasured } from "../run-measured.ts";
import { repoCommand } from "../tools/sheepfold.ts";
import { versionOf } from "../tools/tool.ts";
import type { MasterDisk } from "./master-disk.ts";

const BLOCK_BYTES = 4096;
const COMPRESSIONS = ["gzip", "zstd"] as const;

const Rows = z.array(
  z.object({
    technique: z.string(),
    compression: z.string(),
    totalBytes: z.number(),
    metadataBytes: z.number(),
  }),
);

export interface TechniqueGrowth {
  readonly technique: string;
  readonly compression: string;
  /** After the master, and after each clone. */
  readonly totalBytes: readonly number[];
}

export interface GzipImage {
  readonly program: string;
  readonly bytes: number;
}

/** Level 6, of every partition of the disk, whether it is in use or not. */
export async function gzipImageOf({ path, system, identity }: MasterDisk): Promise<GzipImage> {
  const program = (await versionOf("pigz", ["--version"])) === null ? "gzip" : "pigz";
  let bytes = 0;
  for (const { offsetBytes, sizeBytes } of [system, identity]) {
    const gzip = spawn(program, ["-6", "-c"], { stdio: ["pipe", "pipe", "inherit"] });
    const feeding = pipeline(
      createReadStream(path, { start: offsetBytes, end: offsetBytes + sizeBytes - 1 }),
      gzip.stdin,
    );
    for await (const chunk of gzip.stdout) bytes += Buffer.byteLength(chunk);
    await feeding;
  }
  return { program, bytes };
}

/** The master first, then the clones; diffs are to the master, as clones of it are what they are for. */
export async function evaluateTechniques(
  repository: string,
  snapshotIds: readonly string[],
  scratch: string,
): Promise<{ readonly growths: readonly TechniqueGrowth[]; readonly seconds: number }> {
  const options = [
    "--block-sizes",
    String(BLOCK_BYTES),
    "--compressions",
    COMPRESSIONS.join(","),
    "--base",
    "first",
  ];
  const command = repoCommand("evaluate", repository, ...snapshotIds, ...options, "--json");
  const { stdout, seconds } = await runMeasured(command, scratch);
  const rows = Rows.parse(JSON.parse(stdout));
  const growths = [
    ...Map.groupBy(rows, ({ technique, compression }) => `${technique} ${compression}`).values(),
  ];
  return {
    seconds,
    growths: growths.map((mine) => ({
      technique: mine[0]?.technique ?? "",
      compression: mine[0]?.compression ?? "",
      totalBytes: mine.map(({ totalBytes }) => totalBytes),
    })),
  };
}
