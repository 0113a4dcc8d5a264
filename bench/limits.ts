// What this machine can do at best with the same bytes, measured in the same run: reading them, hashing them on all
// cores, compressing them. An archive can hardly be faster than these together, and should not be much slower.
import { mkdir, open } from "node:fs/promises";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { PAGE_BYTES } from "#lib/page/page.ts";
import { runMeasured } from "./run-measured.ts";
import { numberField } from "./tools/sheepfold.ts";
import { versionOf } from "./tools/tool.ts";

export interface Limits {
  readonly coreCount: number;
  /** Reading the image, in one thread. */
  readonly readSeconds: number;
  /** Reading it and SHA-256 of its pages that are not zero, on all cores at once. */
  readonly hashSeconds: number;
  /** zstd level 3 on all cores; null when zstd is not installed. */
  readonly zstdSeconds: number | null;
}

const READ_BYTES = 1024 * 1024;
const ATTEMPTS = 3;

export async function measureLimits(image: string, sizeBytes: number, scratch: string): Promise<Limits> {
  const coreCount = cpus().length;
  const hasZstd = (await versionOf("zstd", ["--version"])) !== null;
  await readThrough(image);
  return {
    coreCount,
    readSeconds: await bestOf(() => readThrough(image)),
    hashSeconds: await bestOf(() => hashOnAllCores(image, sizeBytes, coreCount, scratch)),
    zstdSeconds: hasZstd ? await bestOf(() => zstdSeconds(image, coreCount, scratch)) : null,
  };
}

/** Reads the whole file; afterwards it is in the page cache as far as memory allows. Returns the seconds it took. */
export async function readThrough(path: string): Promise<number> {
  const startedMs = performance.now();
  const handle = await open(path, "r");
  try {
    const buffer = new Uint8Array(READ_BYTES);
    while ((await handle.read(buffer, 0, buffer.length, null)).bytesRead > 0);
  } finally {
    await handle.close();
  }
  return (performance.now() - startedMs) / 1000;
}

/** The slowest core's seconds: all begin together and have as much to read. */
async function hashOnAllCores(image: string, sizeBytes: number, coreCount: number, scratch: string) {
  const program = fileURLToPath(new URL("./hash-slice.ts", import.meta.url));
  const slice = Math.ceil(sizeBytes / coreCount / PAGE_BYTES) * PAGE_BYTES;
  const starts = Array.from({ length: coreCount }, (_, core) => core * slice);
  const seconds = await Promise.all(
    starts.map(async (start, core) => {
      const folder = `${scratch}/core${core}`;
      await mkdir(folder, { recursive: true });
      const length = Math.max(0, Math.min(slice, sizeBytes - start));
      const args = [program, image, String(start), String(length)];
      return numberField((await runMeasured({ program: process.execPath, args }, folder)).stdout, "seconds");
    }),
  );
  return Math.max(...seconds);
}

async function zstdSeconds(image: string, coreCount: number, scratch: string): Promise<number> {
  const args = ["-q", "-3", `-T${coreCount}`, "-f", image, "-o", "/dev/null"];
  return (await runMeasured({ program: "zstd", args }, scratch)).seconds;
}

/** The best of a few: a limit is what the machine can do undisturbed. */
async function bestOf(work: () => Promise<number>): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) best = Math.min(best, await work());
  return best;
}
