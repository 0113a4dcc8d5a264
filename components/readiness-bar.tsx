// "Is this room ready?" as proportions in words, worst last: never red because of one PC.
import { type Proportion, ProportionBar } from "./ui/proportion-bar.tsx";

interface Counts {
  readonly ready: number;
  readonly busy: number;
  readonly failed: number;
  readonly offline: number;
  readonly unprotected: number;
}

export function ReadinessBar({ counts }: { counts: Counts }) {
  const parts: Proportion[] = [
    { label: "ready", count: counts.ready, tone: "ok" },
    { label: "working", count: counts.busy, tone: "accent" },
    { label: "offline", count: counts.offline, tone: "neutral" },
    { label: "without a snapshot", count: counts.unprotected, tone: "warn" },
    { label: "last job failed", count: counts.failed, tone: "bad" },
  ];
  return <ProportionBar parts={parts} />;
}
