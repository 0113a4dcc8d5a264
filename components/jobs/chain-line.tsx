// The chain as it is now: from the server to the last PC, each with its share done. PCs that take pages from the same
// neighbour stand side by side.
import { ArrowRight, Server } from "lucide-react";
import { formatShare } from "#lib/model/units.ts";
import { Card } from "../ui/card.tsx";

export interface ChainMember {
  readonly nodeId: string;
  readonly nodeName: string;
  readonly rank: number;
  /** Null: takes its pages from nobody at the moment. "gateway": from the server. */
  readonly above: string | null;
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export function ChainLine({ members }: { members: readonly ChainMember[] }) {
  const names = new Map(members.map(({ nodeId, nodeName }) => [nodeId, nodeName]));
  const inOrder = members.toSorted((left, right) => left.rank - right.rank);
  return (
    <Card title="Chain">
      <p className="mb-3 text-sm text-ink-2">
        Each PC takes pages from the one before it and passes on what those behind it lack.
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
            </span>
          </li>
        ))}
      </ol>
    </Card>
  );
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
