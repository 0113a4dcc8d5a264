// The steps from logical to stored bytes. Each begins where the one before ended, so the sum is exact by construction.
import type { StorageSizes } from "./chart-parts.ts";

export interface WaterfallStep {
  readonly label: string;
  readonly kind: "total" | "saved" | "added";
  /** Left edge of its bar. */
  readonly fromBytes: number;
  readonly lengthBytes: number;
}

export function waterfallSteps(sizes: StorageSizes): WaterfallStep[] {
  const { logicalBytes, fillBytes, uniqueBytes, compressedBytes, storedBytes } = sizes;
  const filled = Math.max(0, logicalBytes - fillBytes);
  return [
    { label: "Logical", kind: "total", fromBytes: 0, lengthBytes: logicalBytes },
    step("Empty space", logicalBytes, filled),
    step("Same in time or on other PCs", filled, uniqueBytes),
    step("Compression", uniqueBytes, compressedBytes),
    step("Bookkeeping", compressedBytes, storedBytes),
    { label: "Stored", kind: "total", fromBytes: 0, lengthBytes: storedBytes },
  ];
}

function step(label: string, beforeBytes: number, afterBytes: number): WaterfallStep {
  return {
    label,
    kind: afterBytes <= beforeBytes ? "saved" : "added",
    fromBytes: Math.min(beforeBytes, afterBytes),
    lengthBytes: Math.abs(afterBytes - beforeBytes),
  };
}
