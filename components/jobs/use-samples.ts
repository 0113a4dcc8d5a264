"use client";

// Counters as the page was told them, by name, over the last minute: for speeds and estimates.
import { useEffect, useState } from "react";
import type { Sample } from "#lib/model/estimate.ts";

const KEPT_MS = 60_000;

/** A counter that is absent is forgotten. */
export function useSamples(
  counters: Readonly<Record<string, number>>,
): Readonly<Record<string, readonly Sample[]>> {
  const [samples, setSamples] = useState<Readonly<Record<string, readonly Sample[]>>>({});
  const key = JSON.stringify(counters);
  useEffect(() => {
    const atMs = Date.now();
    const told = JSON.parse(key) as Record<string, number>;
    setSamples((before) =>
      Object.fromEntries(
        Object.entries(told).map(([name, bytes]) => [
          name,
          [...(before[name] ?? []).filter((sample) => atMs - sample.atMs <= KEPT_MS), { atMs, bytes }],
        ]),
      ),
    );
  }, [key]);
  return samples;
}
