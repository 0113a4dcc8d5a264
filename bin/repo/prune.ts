// `sheepfold repo prune DIR --keep-…`: let go of snapshots by rule, saying why each one stays. Frees nothing: `repo gc` does.
import { type Command, InvalidArgumentError } from "commander";
import type { Repository } from "#lib/engine/repository.ts";
import { type PruneFacts, planPrune } from "#lib/model/prune-plan.ts";
import type { RetentionDecision, RetentionPolicy, RetentionRule } from "#lib/model/retention.ts";
import { EXIT } from "./exit-codes.ts";
import { parseCount } from "./numbers.ts";
import { type OutputOptions, table } from "./output.ts";
import { Refusal } from "./refusal.ts";
import { newVerb, runVerb, type VerbContext } from "./run-verb.ts";
import { withRepository } from "./with-repository.ts";

const PERIODS = [
  ["hourly", "hours"],
  ["daily", "days"],
  ["weekly", "ISO weeks"],
  ["monthly", "months"],
  ["yearly", "years"],
] as const;

/** Commander's name of --keep-last is keepLast. */
type KeepOptions = { readonly [Rule in RetentionRule as `keep${Capitalize<Rule>}`]?: number };

interface PruneOptions extends OutputOptions, KeepOptions {
  readonly node?: string;
  readonly timeZone: string;
  readonly dryRun?: boolean;
}

export function pruneCommand(): Command {
  const verb = newVerb(
    "prune",
    "Let go of snapshots by rule. A node's last good one and pinned ones always stay.",
  )
    .argument("<DIR>", "folder of the repository")
    .option("--keep-last <N>", "keep the newest N", parseCount);
  for (const [rule, period] of PERIODS) {
    verb.option(`--keep-${rule} <N>`, `keep the newest of each of N ${period} that have one`, parseCount);
  }
  return verb
    .option("--node <NAME>", "only snapshots of this node")
    .option("--time-zone <ZONE>", "where days begin at midnight, such as Europe/Vienna", parseTimeZone, "UTC")
    .option("--dry-run", "only say what would stay and why")
    .addHelpText(
      "after",
      "\nRules count per node and set of partitions, each beginning where the one before ends:\n" +
        "--keep-daily 7 --keep-weekly 4 reaches back further than seven days.\n",
    )
    .action((dir: string, options: PruneOptions) =>
      runVerb(
        options,
        (context) => prune(dir, options, context),
        "Some snapshots may be gone already. Run the same command again to go on.",
      ),
    );
}

async function prune(dir: string, options: PruneOptions, { signal, output }: VerbContext) {
  const policy = policyOf(options);
  const isDry = options.dryRun === true;
  const decisions = await withRepository(dir, isDry ? "read" : "write", async (repository) => {
    const decided = await decide(repository, policy, options.node, signal);
    const snapshotIds = decided
      .filter(({ verdict }) => verdict === "drop")
      .map(({ snapshotId }) => snapshotId);
    if (!isDry) await repository.prune({ snapshotIds });
    return decided;
  });
  output.result({ dryRun: isDry, decisions }, () => inWords(decisions, isDry));
  return EXIT.ok;
}

function policyOf(options: PruneOptions): RetentionPolicy {
  const keep: Partial<Record<RetentionRule, number>> = {
    last: options.keepLast,
    hourly: options.keepHourly,
    daily: options.keepDaily,
    weekly: options.keepWeekly,
    monthly: options.keepMonthly,
    yearly: options.keepYearly,
  };
  if (Object.values(keep).some((count) => (count ?? 0) > 0)) return { keep, timeZone: options.timeZone };
  throw new Refusal({
    code: "input-invalid",
    message: "No rule says what to keep.",
    hint: "Give one at least, such as --keep-last 10; add --dry-run to see what it would do.",
  });
}

/** Only a scrub could tell that a snapshot is damaged; without one it is not called so. */
async function decide(
  repository: Repository,
  policy: RetentionPolicy,
  node: string | undefined,
  signal: AbortSignal,
): Promise<RetentionDecision[]> {
  const damaged = await repository.damagedSnapshots({ signal });
  const facts: PruneFacts = {
    snapshots: repository.snapshots(),
    pins: repository.pins(),
    healthOf: (id) => (damaged.has(id) ? "damaged" : "unverified"),
  };
  return planPrune(facts, policy, node);
}

function parseTimeZone(text: string): string {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: text }).resolvedOptions().timeZone;
  } catch {
    throw new InvalidArgumentError("It must be the name of a time zone, such as UTC or Europe/Vienna.");
  }
}

function inWords(decisions: readonly RetentionDecision[], isDry: boolean): string {
  const dropped = decisions.filter(({ verdict }) => verdict === "drop").length;
  const done = isDry ? "would be removed" : "removed";
  const summary = `${dropped} of ${decisions.length} snapshots ${done}.`;
  if (decisions.length === 0) return "No snapshots.";
  const rows = decisions.map(({ snapshotId, node, verdict, reasons }) => [
    verdict,
    snapshotId,
    node,
    reasons.join("; "),
  ]);
  const next = dropped > 0 && !isDry ? " Run repo gc to free what only they needed." : "";
  return `${table(["", "SNAPSHOT", "NODE", "WHY"], rows)}\n\n${summary}${next}`;
}
