// `sheepfold repo re-segment DIR`: compress cold packs anew, similar content side by side. A night's work; the next run goes on.
import type { Command } from "commander";
import type { ReSegmentReport } from "#lib/engine/repository.ts";
import { formatBytes, formatSeconds, formatShare } from "#lib/model/units.ts";
import { EXIT } from "./exit-codes.ts";
import { parseByteCount, parseCount } from "./numbers.ts";
import type { OutputOptions } from "./output.ts";
import { newVerb, runVerb, type VerbContext } from "./run-verb.ts";
import { withRepository } from "./with-repository.ts";

interface ReSegmentCliOptions extends OutputOptions {
  readonly level?: number;
  readonly olderThan?: number;
  readonly maxBytes?: number;
  readonly maxSeconds?: number;
}

export function reSegmentCommand(): Command {
  return newVerb(
    "re-segment",
    "Compress packs anew, similar content side by side, and harder; nothing else changes.",
  )
    .argument("<DIR>", "folder of the repository")
    .option("--level <N>", "zstd level, 1 to 19 (default: 9)", parseCount)
    .option("--older-than <DAYS>", "only packs whose first snapshot is so old (default: 0)", parseCount)
    .option("--max-bytes <N>", "rewrite about so much and stop (4096, 512k, 10G)", parseByteCount)
    .option("--max-seconds <N>", "begin no pack after so long; the next run goes on", parseCount)
    .action((dir: string, options: ReSegmentCliOptions) =>
      runVerb(
        options,
        (context) => reSegment(dir, options, context),
        "What was rewritten is rewritten, the rest is as it was. Run the same command again to go on.",
      ),
    );
}

async function reSegment(dir: string, options: ReSegmentCliOptions, { signal, output }: VerbContext) {
  const report = await withRepository(dir, "write", (repository) =>
    repository.reSegment({
      signal,
      level: options.level,
      olderThanDays: options.olderThan,
      bytesMax: options.maxBytes,
      secondsMax: options.maxSeconds,
      onProgress: output.beginProgress(),
    }),
  );
  output.result(report, () => inWords(report));
  return EXIT.ok;
}

function inWords({ packCount, bytesBefore, bytesAfter, leftPackCount, seconds }: ReSegmentReport): string {
  const left = leftPackCount === 0 ? "" : ` ${leftPackCount} packs are left: run it again.`;
  if (packCount === 0) return `Nothing to re-segment.${left}`;
  const share = formatShare(bytesAfter, bytesBefore);
  const sizes = `${formatBytes(bytesBefore)} became ${formatBytes(bytesAfter)} (${share})`;
  return `${packCount} packs re-segmented: ${sizes} in ${formatSeconds(seconds)}.${left}`;
}
