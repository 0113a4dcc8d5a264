// On what the figures were measured.
import { arch, cpus, platform, release, totalmem } from "node:os";
import { formatBytes } from "#lib/model/units.ts";
import type { Limits } from "./limits.ts";
import { inMegabytesPerSecond, inSeconds } from "./table.ts";

export function machineLine(): string {
  const model = cpus()[0]?.model.trim() ?? "unknown processor";
  return (
    `Machine: ${cpus().length} × ${model}, ${formatBytes(totalmem())}, ${platform()} ${release()} ${arch()}, ` +
    `Node ${process.versions.node}; ${new Date().toISOString().slice(0, 10)}.`
  );
}

export function limitLine({ readSeconds, hashSeconds, zstdSeconds }: Limits, sizeBytes: number): string {
  const timed = (seconds: number) => `${inSeconds(seconds)} (${inMegabytesPerSecond(sizeBytes / seconds)})`;
  return (
    `Its limits with the last image, measured in this run: reading ${timed(readSeconds)}, reading and SHA-256 of the ` +
    `pages that are not zero on all cores ${timed(hashSeconds)}, zstd -3 on all cores ` +
    `${zstdSeconds === null ? "not measured (not installed)" : timed(zstdSeconds)}.`
  );
}
