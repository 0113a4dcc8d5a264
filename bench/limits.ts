// What this machine can do at best with the same bytes, measured in the same run: reading them, hashing them on all
// cores, compressing them. An archive can hardly be faster than these together, and should not be much slower.
import { mkdir, open } from "node:fs/promises";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { runMeasured } from "./run-measured.ts";

export interface Limits {
  readonly coreCount: number;
  readonly readSeconds: number;
  readonly hashSeconds: number;
  /** zstd level 3 on all cores; null when zstd is not installed. */
  readonly zstdSeconds: number | null;
}

const READ_BYTES = 1024 * 1024;
const ATTEMPTS = 3;

export async function measureLimits(image: string, sizeBytes: number, scratch: string): Promise<Limits> {
  const coreCount = cpus().length;
  await readThrough(image);
  return {
    coreCount,
    readSeconds: await secondsOf(() => readThrough(image)),
    hashSeconds: await secondsOf(() => hashOnAllCores(image, sizeBytes, coreCount, scratch)),
    zstdSeconds: await zstdSeconds(image, coreCount, scratch),
  };
}

/** Reads the whole file; afterwards it is in the page cache as far as memory allows. */
export async function readThrough(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    const buffer = new Uint8Array(READ_BYTES);
    while ((await handle.read(buffer, 0, buffer.length, null)).bytesRead > 0);
  } finally {
    await handle.close();
  }
}

async function hashOnAllCores(image: string, sizeBytes: number, coreCount: number, scratch: string) {
  const program = fileURLToPath(new URL("./hash-slice.ts", import.meta.url));
  const slice = Math.ceil(sizeBytes / coreCount);
  const starts = Array.from({ length: coreCount }, (_, core) => core * slice);
  await Promise.all(
    starts.map(async (start, core) => {
      await mkdir(`${scratch}/core${core}`, { recursive: true });
      const args = [program, image, String(start), String(Math.min(slice, sizeBytes - start))];
      await runMeasured({ program: process.execPath, args }, `${scratch}/core${core}`);
    }),
  );
}

async function zstdSeconds(image: string, coreCount: number, scratch: string): Promise<number | null> {
  try {
    const args = ["-q", "-3", `-T${coreCount}`, "-f", image, "-o", "/dev/null"];
    return (await runMeasured({ program: "zstd", args }, scratch)).seconds;
  } catch (error) {
    if (String(error).includes("ENOENT") || String(error).includes("127")) return null;
    throw error;
  }
}

/** The best of a few: a limit is what the machine can do undisturbed. */
async function secondsOf(work: () => Promise<void>): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const startedMs = performance.now();
    await work();
    best = Math.min(best, (performance.now() - startedMs) / 1000);
  }
  return best;
}
