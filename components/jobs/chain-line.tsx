"use client";

// The chain as it is now: from the server to the last PC, each with its share done; when it ends, and who decides that. PCs that
// take pages from the same neighbour stand side by side.
import { ArrowRight, Server } from "lucide-react";
import { leftInWords, rateOver, type Sample, secondsLeft } from "#lib/model/estimate.ts";
import { formatShare } from "#lib/model/units.ts";
import { Card } from "../ui/card.tsx";
import { useSamples } from "./use-samples.ts";

export interface ChainMember {
  readonly nodeId: string;
  readonly nodeName: string;
  readonly rank: number;
  /** Null: takes its pages from nobody at the moment. "gateway": from the server. */
  readonly above: string | null;
  readonly isDiskBehind: boolean;
  readonly doneBytes: number;
  readonly totalBytes: number;
}

/** A line that brings less than this share of what others get is what holds a PC up. */
const SLOW_SHARE = 0.8;
const RATE_WINDOW_MS = 10_000;
/** Ends as close together as this share are one end. */
const ALIKE_SHARE = 0.8;

export function ChainLine({ members }: { members: readonly ChainMember[] }) {
  const samples = useSamples(Object.fromEntries(members.map(({ nodeId, doneBytes }) => [nodeId, doneBytes])));
  const names = new Map(members.map(({ nodeId, nodeName }) => [nodeId, nodeName]));
  const inOrder = members.toSorted((left, right) => left.rank - right.rank);
  return (
    <Card title="Chain">
      <p className="mb-3 text-sm text-ink-2">
        Each PC takes pages from the one before it and passes on what those behind it lack.{" "}
        <span className="text-ink">{endInWords(members, samples)}</span>
      </p>
      <ol aria-label="Chain" className="flex flex-wrap items-center gap-x-2 gap-y-2 text-sm">
        <li className="flex items-center gap-1.5 rounded-md border border-line-strong px-2 py-1 font-medium">
          <Server aria-hidden size={14} />
          Server
        </li>
        {inOrder.map((member, index) => (
          <li key={member.nodeId} className="flex items-center gap-2">
            <ArrowRight aria-hidden size={14} className="text-ink-3" />
            <span className="rounded-md border border-line-strong px-2 py-1">
              <span className="font-medium">{member.nodeName}</span>{" "}
              <span className="text-ink-2">{formatShare(member.doneBytes, member.totalBytes)}</span>
              {aboveWords(member, inOrder[index - 1]?.nodeId ?? "gateway", names)}
              {member.isDiskBehind ? <span className="ml-1 text-xs text-ink-3">slow disk</span> : null}
            </span>
          </li>
        ))}
      </ol>
    </Card>
  );
}

/** When the last PC will have everything, which that is, and why. */
function endInWords(
  members: readonly ChainMember[],
  samples: Readonly<Record<string, readonly Sample[]>>,
): string {
  const open = members
    .filter(({ doneBytes, totalBytes }) => doneBytes < totalBytes)
    .map((member) => ({ member, left: secondsLeft(samples[member.nodeId] ?? [], member.totalBytes) }));
  const [first] = open;
  if (first === undefined) return "All have everything; the last ones read it back.";
  const still = open.find(({ member }) => standsStill(samples[member.nodeId] ?? []));
  if (still !== undefined)
    return `${still.member.nodeName} stands still: ${reasonOf(still.member, open, samples)}.`;
  if (open.some(({ left }) => left === null)) return "How long it takes is not certain yet.";
  const last = open.reduce((worst, other) =>
    (other.left?.most ?? 0) > (worst.left?.most ?? 0) ? other : worst,
  );
  const words = leftInWords(last.left ?? { least: 0, most: 0 });
  const soonest = Math.min(...open.map(({ left }) => left?.most ?? 0));
  if (soonest >= ALIKE_SHARE * (last.left?.most ?? 0)) return `About ${words} to go; all get on alike.`;
  return `About ${words} to go, as ${last.member.nodeName} needs: ${reasonOf(last.member, open, samples)}.`;
}

function standsStill(samples: readonly Sample[]): boolean {
  const [first] = samples;
  const last = samples.at(-1);
  const isKnown = first !== undefined && last !== undefined && last.atMs - first.atMs >= RATE_WINDOW_MS;
  return isKnown && rateOver(samples, RATE_WINDOW_MS) === 0;
}

function reasonOf(
  { nodeId, above, isDiskBehind }: ChainMember,
  open: readonly { readonly member: ChainMember }[],
  samples: Readonly<Record<string, readonly Sample[]>>,
): string {
  if (isDiskBehind) return "its disk is slower than the network";
  if (above === null) return "it looks for a neighbour";
  const rates = open.map(({ member }) => rateOver(samples[member.nodeId] ?? [], RATE_WINDOW_MS) ?? 0);
  const mine = rateOver(samples[nodeId] ?? [], RATE_WINDOW_MS) ?? 0;
  return mine < SLOW_SHARE * Math.max(...rates)
    ? "it gets on slower than the others"
    : "all are equally fast";
}

/** Said only where it is not the one drawn before it. */
function aboveWords({ above }: ChainMember, before: string, names: ReadonlyMap<string, string>) {
  if (above === before) return null;
  const words =
    above === null
      ? "looks for a neighbour"
      : above === "gateway"
        ? "from the server"
        : `from ${names.get(above) ?? "another PC"}`;
  return <span className="ml-1 text-xs text-ink-3">{words}</span>;
}
