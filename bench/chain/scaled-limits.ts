// Buffers in the same proportion to the image as the product's to 8 GiB: else a small image would fit into them whole.
import type { ChainLimits } from "#lib/chain/feeder.ts";

const MIB = 1024 * 1024;
const REAL_IMAGE_BYTES = 8192 * MIB;

export function limitsFor(imageBytes: number, pageBytes: number): ChainLimits {
  const scaled = (bytes: number, pagesMin: number) =>
    Math.max(pagesMin * pageBytes, Math.round((bytes * imageBytes) / REAL_IMAGE_BYTES));
  return {
    forwardBytesMax: scaled(32 * MIB, 8),
    windowBytes: scaled(2 * MIB, 4),
    readsMax: 4,
    writesMax: Math.round(scaled(128 * MIB, 16) / pageBytes),
  };
}
