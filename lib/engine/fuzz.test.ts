// Every decoder of what lies on a disk gets hostile bytes: by itself, and as a file of a repository that is put to use. It
// answers or refuses by name, in bounded memory and time. An input that once broke this is kept in testdata/fuzz and
// played first.
import { randomInt } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FuzzFailure, type FuzzTarget, fuzz, isRefused } from "./simulation/fuzz.ts";
import { repositoryTargets } from "./simulation/fuzz-repository.ts";
import { decoderTargets } from "./simulation/fuzz-targets.ts";

const KEPT_FOLDER = join(import.meta.dirname, "testdata", "fuzz");
const DECODER_INPUTS = 2000;
const FILE_INPUTS = 25;
const FIXED_SEED = 1;
const FRESH_SEED = randomInt(2 ** 31);
const TIMEOUT_MS = 120_000;

const KEY = { kind: "key-file", bytes: new Uint8Array(32).fill(3) } as const;

const targets = [...decoderTargets(), ...(await repositoryTargets()), ...(await repositoryTargets(KEY))];

async function keptInputs(target: FuzzTarget): Promise<Uint8Array[]> {
  const names = await readdir(KEPT_FOLDER);
  const ours = names.filter((name) => name.startsWith(`${target.name}-`));
  return Promise.all(ours.map((name) => readFile(join(KEPT_FOLDER, name))));
}

/** A failing input becomes a file, so that it is played first from now on. */
async function keepingFailures<Value>(work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof FuzzFailure) {
      await mkdir(KEPT_FOLDER, { recursive: true });
      await writeFile(join(KEPT_FOLDER, error.fileName), error.input);
    }
    throw error;
  }
}

for (const [index, target] of targets.entries()) {
  const isFile = target.name.startsWith("file ");
  test(
    `PK-2, SEG-4: hostile bytes as ${target.name} (${index}), seeds ${FIXED_SEED} and ${FRESH_SEED}`,
    async () => {
      for (const input of await keptInputs(target)) await isRefused(target, input);
      for (const sample of target.samples) {
        // What is valid passes: a decoder that refuses everything would pass, too.
        if (!isFile) expect(await isRefused(target, sample)).toBe(false);
      }
      const count = isFile ? FILE_INPUTS : DECODER_INPUTS;
      for (const seed of [FIXED_SEED, FRESH_SEED]) {
        const report = await keepingFailures(() => fuzz(target, seed, count));
        expect(report.inputCount).toBe(count);
        if (!isFile) expect(report.refusedCount).toBeGreaterThan(0);
      }
    },
    TIMEOUT_MS,
  );
}
