// Which snapshots a policy keeps and which it lets go of, with the reason for each. Pure: nothing is removed here.
//
// Snapshots are judged per lineage: a node and the set of partitions they hold, so that a snapshot of one partition never
// takes the place of one of the whole PC. They count in commit order, newest first; the server's time of commit, in the policy's
// time zone, only says which hour, day … a snapshot falls into. Each rule considers only periods that no earlier rule has a
// snapshot of: "7 daily and 4 weekly" reach back further than seven days.

export const RETENTION_RULES = ["last", "hourly", "daily", "weekly", "monthly", "yearly"] as const;
export type RetentionRule = (typeof RETENTION_RULES)[number];

export interface RetentionPolicy {
  /** How many to keep by each rule; a rule left out keeps none. */
  readonly keep: Readonly<Partial<Record<RetentionRule, number>>>;
  /** IANA name: days and weeks begin at midnight there. Fixed, so that moving a server moves no boundaries. */
  readonly timeZone: string;
}

/** Damaged snapshots fill no rule, and never count as the good one that must stay. */
export type SnapshotHealth = "good" | "unverified" | "damaged";

export interface RetentionSnapshot {
  readonly id: string;
  readonly node: string;
  readonly sequence: number;
  readonly createdAt: string;
  readonly partitions: readonly string[];
  readonly health: SnapshotHealth;
  /** Why it is pinned, or null. */
  readonly pinnedBecause: string | null;
}

export interface RetentionDecision {
  readonly snapshotId: string;
  readonly node: string;
  readonly verdict: "keep" | "drop";
  /** In words, one at least. */
  readonly reasons: readonly string[];
}

type PeriodRule = Exclude<RetentionRule, "last">;

const PERIOD_WORDS: Readonly<Record<PeriodRule, string>> = {
  hourly: "hour",
  daily: "day",
  weekly: "week",
  monthly: "month",
  yearly: "year",
};

/** A decision for each snapshot, in commit order. A policy without a rule keeps everything. */
export function decideRetention(
  snapshots: readonly RetentionSnapshot[],
  policy: RetentionPolicy,
): RetentionDecision[] {
  const reasons = new Map<string, string[]>(snapshots.map(({ id }) => [id, []]));
  const periods = new Periods(policy.timeZone);
  for (const lineage of lineagesOf(snapshots)) judgeLineage(lineage, policy, periods, reasons);
  return [...snapshots]
    .sort((a, b) => a.sequence - b.sequence)
    .map(({ id, node }) => {
      const why = reasons.get(id) ?? [];
      if (why.length > 0) return { snapshotId: id, node, verdict: "keep", reasons: why };
      return { snapshotId: id, node, verdict: "drop", reasons: ["no rule keeps it"] };
    });
}

function lineagesOf(snapshots: readonly RetentionSnapshot[]): RetentionSnapshot[][] {
  const lineages = new Map<string, RetentionSnapshot[]>();
  for (const snapshot of snapshots) {
    const key = JSON.stringify([snapshot.node, [...snapshot.partitions].sort()]);
    const lineage = lineages.get(key);
    if (lineage === undefined) lineages.set(key, [snapshot]);
    else lineage.push(snapshot);
  }
  return [...lineages.values()].map((lineage) => lineage.sort((a, b) => b.sequence - a.sequence));
}

/** `lineage` is newest first. Adds a reason to each snapshot that is kept. */
function judgeLineage(
  lineage: readonly RetentionSnapshot[],
  policy: RetentionPolicy,
  periods: Periods,
  reasons: ReadonlyMap<string, string[]>,
): void {
  const keep = (snapshot: RetentionSnapshot | undefined, reason: string) => {
    if (snapshot !== undefined) reasons.get(snapshot.id)?.push(reason);
  };
  const isKept = (snapshot: RetentionSnapshot) => (reasons.get(snapshot.id)?.length ?? 0) > 0;
  for (const snapshot of lineage) {
    if (snapshot.pinnedBecause !== null) keep(snapshot, `pinned: ${snapshot.pinnedBecause}`);
    if (snapshot.health === "damaged") keep(snapshot, "damaged: counts for no rule, a person must decide");
    if (RETENTION_RULES.every((rule) => countOf(policy, rule) === 0))
      keep(snapshot, "the policy has no rule");
  }
  const sound = lineage.filter((snapshot) => snapshot.health !== "damaged");
  for (const [index, snapshot] of sound.slice(0, countOf(policy, "last")).entries()) {
    keep(snapshot, index === 0 ? "the newest" : `number ${index + 1} of the last ${countOf(policy, "last")}`);
  }
  for (const rule of RETENTION_RULES) {
    if (rule === "last" || countOf(policy, rule) === 0) continue;
    const filled = keepByPeriod(sound, rule, countOf(policy, rule), periods, { keep, isKept });
    // Without this a young lineage would lose its beginning: "3 yearly" would have nothing to keep for years.
    const missing = countOf(policy, rule) - filled;
    if (missing > 0) keep(sound.at(-1), `the oldest, until there are ${missing} more ${rule} ones`);
  }
  const newest = sound[0];
  if (newest !== undefined && !isKept(newest)) keep(newest, "the last good one of its node and partitions");
}

interface Keeping {
  readonly keep: (snapshot: RetentionSnapshot, reason: string) => void;
  readonly isKept: (snapshot: RetentionSnapshot) => boolean;
}

/** Keeps the newest of each period that has none yet; answers how many periods the rule has. */
function keepByPeriod(
  lineage: readonly RetentionSnapshot[],
  rule: PeriodRule,
  count: number,
  periods: Periods,
  { keep, isKept }: Keeping,
): number {
  const covered = new Set(lineage.filter(isKept).map((snapshot) => periods.of(snapshot, rule)));
  let filled = 0;
  for (const snapshot of lineage) {
    const period = periods.of(snapshot, rule);
    if (covered.has(period)) continue;
    if (filled === count) break;
    covered.add(period);
    filled += 1;
    keep(snapshot, `the newest of ${PERIOD_WORDS[rule]} ${period}`);
  }
  return filled;
}

function countOf(policy: RetentionPolicy, rule: RetentionRule): number {
  return policy.keep[rule] ?? 0;
}

/** Names the hour, day, ISO week, month and year a snapshot was committed in. */
class Periods {
  readonly #format: Intl.DateTimeFormat;

  /** RangeError when the time zone is unknown. */
  constructor(timeZone: string) {
    const digits = "2-digit";
    this.#format = new Intl.DateTimeFormat("en-CA-u-ca-iso8601", {
      timeZone,
      year: "numeric",
      month: digits,
      day: digits,
      hour: digits,
      hourCycle: "h23",
      timeZoneName: "longOffset",
    });
  }

  of(snapshot: RetentionSnapshot, rule: PeriodRule): string {
    const parts = new Map(
      this.#format.formatToParts(new Date(snapshot.createdAt)).map(({ type, value }) => [type, value]),
    );
    const part = (name: Intl.DateTimeFormatPartTypes) => parts.get(name) ?? "";
    const day = `${part("year")}-${part("month")}-${part("day")}`;
    if (rule === "yearly") return part("year");
    if (rule === "monthly") return day.slice(0, 7);
    if (rule === "weekly") return isoWeekOf(day);
    if (rule === "daily") return day;
    // With the offset: the hour that comes twice when clocks are set back is two hours.
    return `${day} ${part("hour")}h ${part("timeZoneName")}`;
  }
}

/** "2026-W01": the week of a calendar day; a week belongs to the year its Thursday lies in. */
function isoWeekOf(day: string): string {
  const date = new Date(`${day}T00:00:00Z`);
  const weekday = (date.getUTCDay() + 6) % 7;
  const thursday = new Date(date.getTime() + (3 - weekday) * 86_400_000);
  const year = thursday.getUTCFullYear();
  const week = 1 + Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / (7 * 86_400_000));
  return `${year}-W${String(week).padStart(2, "0")}`;
}
