// Who stands behind whom. Nodes report several times a second; the coordinator answers with each one's place: its rank and the
// neighbours above it to try. It never touches the stream: when it is gone, nodes go on with the order they have, and a new
// coordinator learns their ranks from their reports.
import { SlowLines } from "./slow-lines.ts";
import type { Loss, Order, Peer } from "./uplink.ts";

export interface NodeReport {
  readonly nodeId: string;
  readonly address: { readonly host: string; readonly port: number };
  /** What it knows of the order; -1 and -1 when nothing yet. */
  readonly epoch: number;
  readonly rank: number;
  /** Bytes it lacks: estimated from a sample at first, exact once its disk was looked at. */
  readonly lackingBytes: number;
  readonly isScanned: boolean;
  /** Nothing is missing and everything was read back. */
  readonly isDone: boolean;
  readonly attachedTo: string | null;
  readonly childIds: readonly string[];
  /** Pages that each neighbour below lacks and could be sent at once, if its line took them. */
  readonly backlogs: Readonly<Record<string, number>>;
  /** Since its process began, pages with all that travels with them: from others, to others, and onto the disk. */
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly writtenBytes: number;
  /** Whom it gave up on since its last report. */
  readonly losses: readonly Loss[];
}

export interface Place extends Order {
  /** Done, and nobody depends on it: it may go. */
  readonly isReleased: boolean;
}

export interface CoordinatorOptions {
  /** Those that are to take part; the order waits a moment for them. */
  readonly expected: readonly string[];
  /** How many chains the gateway feeds side by side. */
  readonly chains: number;
  readonly source: Peer;
}

/** Places are given when all expected nodes are here, or this long after the first. */
export const LOBBY_MS = 3_000;
/** A node that has not reported for so long is passed over. */
export const REPORT_SILENCE_MS = 5_000;
/** A neighbour says it is gone: it has this long to report and say otherwise. */
const SUSPICION_MS = 700;
const ANCESTORS = 3;
const MOVE_PAUSE_MS = 15_000;

interface Member {
  readonly nodeId: string;
  readonly joinedAt: number;
  report: NodeReport;
  reportedAt: number;
  /** Position among all; -1 while there is no order yet. */
  rank: number;
  chain: number;
  suspectedAt: number | null;
  /** Gone, or given up: nobody is sent to it. */
  isOut: boolean;
}

export interface Move {
  readonly nodeId: string;
  readonly why: "slow-line" | "came-back" | "bad-neighbour";
}

export class Coordinator {
  readonly #options: CoordinatorOptions;
  readonly #members = new Map<string, Member>();
  #epoch = 0;
  #nextRank = 0;
  #hasOrder = false;
  #firstAt: number | null = null;
  /** Whoever reported, those that have left again among them. */
  readonly #hasSeen = new Set<string>();
  #movedAt = Number.NEGATIVE_INFINITY;
  readonly #moves: Move[] = [];
  readonly #slowLines = new SlowLines();

  constructor(options: CoordinatorOptions) {
    this.#options = options;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Moves since the last call: for the log and for people. */
  takeMoves(): Move[] {
    return this.#moves.splice(0);
  }

  /** For the live view, in the order of the chains. */
  members(): {
    readonly report: NodeReport;
    readonly rank: number;
    readonly chain: number;
    readonly isOut: boolean;
  }[] {
    return this.#byRank(() => true).map(({ report, rank, chain, isOut }) => ({ report, rank, chain, isOut }));
  }

  /** A node's word. Null while there is no order yet. */
  report(report: NodeReport, now: number): Place | null {
    this.#firstAt ??= now;
    this.#hasSeen.add(report.nodeId);
    const known = this.#members.get(report.nodeId);
    if (known === undefined) this.#join(report, now);
    else this.#hear(known, report, now);
    for (const { nodeId, why } of report.losses) this.#suspect(nodeId, why, now);
    this.tick(now);
    return this.#isLobbyOver(now) ? this.#placeOf(report.nodeId) : null;
  }

  /** It failed, was cancelled, or its lease ended: it will not report again. */
  left(nodeId: string): void {
    const member = this.#members.get(nodeId);
    if (member === undefined) return;
    this.#members.delete(nodeId);
    this.#slowLines.forget(nodeId);
    if (this.#hasOrder) this.#epoch += 1;
  }

  tick(now: number): void {
    if (!this.#hasOrder) this.#makeFirstOrder(now);
    for (const member of this.#members.values()) {
      if (member.isOut) continue;
      const isSilent = now - member.reportedAt >= REPORT_SILENCE_MS;
      const isGone = member.suspectedAt !== null && now - member.suspectedAt >= SUSPICION_MS;
      if (isSilent || isGone) this.#putOut(member);
      else if (this.#slowLines.isSlow(member.nodeId, now)) this.#moveSlow(member, now);
    }
  }

  /** The gateway's own word: pages ready for those next to it, by node. `expected`: bytes a millisecond that it should get rid
   *  of on each such line; less is a sign that the PC there has a slow one. */
  hearSource(backlogs: Readonly<Record<string, number>>, expected: number, now: number): void {
    for (const member of this.#members.values()) {
      if (member.report.attachedTo !== this.#options.source.nodeId) continue;
      const backlog = backlogs[member.nodeId] ?? 0;
      this.#slowLines.waits(member.nodeId, backlog > 0 && this.#hasOthersBehind(member), now);
      if (this.#mayMove(now) && this.#slowLines.isFirstSlow(member.nodeId, expected, now))
        this.#moveSlow(member, now);
    }
  }

  #join(report: NodeReport, now: number): void {
    const member: Member = {
      nodeId: report.nodeId,
      joinedAt: now,
      report,
      reportedAt: now,
      rank: -1,
      chain: 0,
      suspectedAt: null,
      isOut: false,
    };
    this.#members.set(report.nodeId, member);
    this.#slowLines.heard(report, now);
    if (report.rank >= 0) this.#adopt(member, report);
    else if (this.#hasOrder) this.#append(member);
  }

  /** This coordinator is new, the node is not: it keeps its place. */
  #adopt(member: Member, { epoch, rank }: NodeReport): void {
    this.#hasOrder = true;
    const isTaken = [...this.#members.values()].some((other) => other !== member && other.rank === rank);
    member.rank = isTaken ? -1 : rank;
    member.chain = rank % this.#options.chains;
    this.#nextRank = Math.max(this.#nextRank, rank + 1);
    this.#epoch = Math.max(this.#epoch, epoch) + 1;
    if (isTaken) this.#append(member);
    // Whoever reported to this coordinator before the first one with a rank stands behind.
    for (const other of this.#members.values()) if (other.rank === -1) this.#append(other);
  }

  #hear(member: Member, report: NodeReport, now: number): void {
    member.report = report;
    member.reportedAt = now;
    if (report.rank > member.rank && member.rank >= 0) this.#adopt(member, report);
    member.suspectedAt = null;
    this.#slowLines.heard(report, now);
    if (member.isOut) {
      member.isOut = false;
      this.#append(member);
      this.#moves.push({ nodeId: member.nodeId, why: "came-back" });
    }
    for (const [childId, backlog] of Object.entries(report.backlogs))
      this.#hearBacklog(member, childId, backlog, now);
  }

  /** Pages ready for a neighbour that its line does not take: its line is slow, if others wait behind it. */
  #hearBacklog(above: Member, childId: string, backlog: number, now: number): void {
    const child = this.#members.get(childId);
    if (child === undefined || child.report.attachedTo !== above.nodeId) return;
    this.#slowLines.waits(childId, backlog > 0 && this.#hasOthersBehind(child), now);
  }

  #hasOthersBehind(member: Member): boolean {
    return this.#chain(member.chain).some((other) => other.rank > member.rank && !other.report.isDone);
  }

  #suspect(nodeId: string, why: Loss["why"], now: number): void {
    const member = this.#members.get(nodeId);
    if (member === undefined || member.isOut || why === "refused") return;
    if (why === "bad-pages") {
      if (this.#mayMove(now) && this.#hasOthersBehind(member)) this.#move(member, "bad-neighbour", now);
      return;
    }
    member.suspectedAt ??= now;
  }

  #moveSlow(member: Member, now: number): void {
    if (this.#mayMove(now) && this.#hasOthersBehind(member)) this.#move(member, "slow-line", now);
  }

  #mayMove(now: number): boolean {
    return now - this.#movedAt >= MOVE_PAUSE_MS;
  }

  #move(member: Member, why: Move["why"], now: number): void {
    this.#movedAt = now;
    this.#slowLines.forget(member.nodeId);
    this.#append(member);
    this.#moves.push({ nodeId: member.nodeId, why });
  }

  #putOut(member: Member): void {
    member.isOut = true;
    member.suspectedAt = null;
    this.#slowLines.forget(member.nodeId);
    if (this.#hasOrder) this.#epoch += 1;
  }

  /** At the tail of the shortest chain. */
  #append(member: Member): void {
    member.rank = this.#nextRank;
    this.#nextRank += 1;
    const lengths = Array.from(
      { length: this.#options.chains },
      (_, chain) => this.#chain(chain, member).length,
    );
    member.chain = lengths.indexOf(Math.min(...lengths));
    this.#epoch += 1;
  }

  #makeFirstOrder(now: number): void {
    if (!this.#isLobbyOver(now)) return;
    this.#hasOrder = true;
    this.#epoch += 1;
    const inOrder = [...this.#members.values()].sort((left, right) =>
      compareForOrder(left.report, right.report),
    );
    for (const [index, member] of inOrder.entries()) {
      member.rank = index;
      member.chain = index % this.#options.chains;
    }
    this.#nextRank = inOrder.length;
  }

  /** Before, a place would be one among the few that are known yet. */
  #isLobbyOver(now: number): boolean {
    if (this.#firstAt === null) return false;
    const isFull =
      this.#members.size > 0 && this.#options.expected.every((nodeId) => this.#hasSeen.has(nodeId));
    return isFull || now - this.#firstAt >= LOBBY_MS;
  }

  #placeOf(nodeId: string): Place | null {
    const member = this.#members.get(nodeId);
    if (!this.#hasOrder || member === undefined) return null;
    const above = this.#chain(member.chain, member)
      .filter(({ rank }) => rank < member.rank)
      .slice(-ANCESTORS)
      .reverse()
      .map(({ nodeId: id, report }) => ({ nodeId: id, address: report.address }));
    return {
      epoch: this.#epoch,
      rank: member.rank,
      upstreams: [...above, this.#options.source],
      isReleased: member.report.isDone && !this.#isNeeded(member),
    };
  }

  /** Somebody unfinished takes pages from it, or would turn to it. */
  #isNeeded({ nodeId, report }: Member): boolean {
    for (const other of this.#members.values()) {
      if (other.report.isDone || other.isOut || other.nodeId === nodeId) continue;
      if (other.report.attachedTo === nodeId || report.childIds.includes(other.nodeId)) return true;
    }
    return false;
  }

  #chain(chain: number, except?: Member): Member[] {
    return this.#byRank(
      (member) => member.chain === chain && member !== except && !member.isOut && member.rank >= 0,
    );
  }

  #byRank(filter: (member: Member) => boolean): Member[] {
    return [...this.#members.values()].filter(filter).sort((left, right) => left.rank - right.rank);
  }
}

/** Those that lack most stand next to the gateway, so that what only they lack burdens nobody else's line. Among equals,
 *  neighbours in the network stand together: each line between switches then carries a page once. */
function compareForOrder(left: NodeReport, right: NodeReport): number {
  return (
    magnitude(right.lackingBytes) - magnitude(left.lackingBytes) ||
    compareText(networkOf(left.address.host), networkOf(right.address.host)) ||
    compareText(left.nodeId, right.nodeId)
  );
}

function magnitude(bytes: number): number {
  return bytes === 0 ? -1 : Math.floor(Math.log2(bytes));
}

/** The first three numbers of an IPv4 address; a switch's PCs usually share them. */
function networkOf(host: string): string {
  return host.split(".").slice(0, 3).join(".");
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : Number(left > right);
}
