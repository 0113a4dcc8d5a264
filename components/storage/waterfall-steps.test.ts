import { expect, test } from "vitest";
import { waterfallSteps } from "./waterfall-steps.ts";

test("the steps lead from logical to stored without a gap", () => {
  const steps = waterfallSteps({
    logicalBytes: 1000,
    fillBytes: 300,
    uniqueBytes: 120,
    compressedBytes: 50,
    storedBytes: 58,
  });
  const changes = steps.filter((step) => step.kind !== "total");
  const sum = changes.reduce(
    (total, step) => total + (step.kind === "saved" ? -1 : 1) * step.lengthBytes,
    1000,
  );
  expect(sum).toBe(58);
  expect(changes.map((step) => step.kind)).toEqual(["saved", "saved", "saved", "added"]);
});
