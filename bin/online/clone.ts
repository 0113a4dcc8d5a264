// `sheepfold clone SNAPSHOT --to classroom:NAME | --to PC…`, and `sheepfold localize`, which gives each copy an identity of its own, too: the
// same plan and the same job as the buttons, through the API. Without --apply or --yes they show the plan and write nothing.
import type { Command } from "commander";
import type { RestorePlan } from "#lib/model/plan.ts";
import type { ExitCode } from "../repo/exit-codes.ts";
import { runVerb, type VerbContext } from "../repo/run-verb.ts";
import { AFTER_INTERRUPTION, type ConnectionOptions, connect, onlineVerb } from "./connection.ts";
import { showPreview } from "./localization-preview.ts";
import { snapshotIdOf, targetsOf } from "./names.ts";
import { type ApplyOptions, showOrApply, withApplyOptions } from "./plan-output.ts";

interface CloneOptions extends ConnectionOptions, ApplyOptions {
  readonly to: readonly string[];
  readonly replaceTables?: boolean;
  /** Of localize: false without a snapshot of each PC afterwards. */
  readonly baseline?: boolean;
  readonly preview?: boolean;
}

type Kind = "clone" | "localize";

export function cloneCommand(): Command {
  return copyVerb("clone", "Write a snapshot to other PCs, by the server's API.");
}

export function localizeCommand(): Command {
  return copyVerb(
    "localize",
    "Make PCs of a master's release, each with its own identity, by the server's API.",
  )
    .option("--no-baseline", "take no snapshot of each PC afterwards")
    .option("--preview", "show what the PCs would get, file by file, and plan nothing");
}

function copyVerb(kind: Kind, words: string): Command {
  return withApplyOptions(onlineVerb(kind, words))
    .argument("<SNAPSHOT>", "id of a snapshot, or master:NAME for its newest release")
    .requiredOption("--to <TARGET...>", "classroom:NAME, or names of PCs")
    .option("--replace-tables", "PCs that are partitioned otherwise get the snapshot's partition table, too")
    .action((source: string, options: CloneOptions) =>
      runVerb(options, (context) => copy(kind, source, options, context), AFTER_INTERRUPTION),
    );
}

async function copy(
  kind: Kind,
  source: string,
  options: CloneOptions,
  context: VerbContext,
): Promise<ExitCode> {
  const api = await connect(options);
  const snapshotId = await snapshotIdOf(api, source);
  if (options.preview === true) return showPreview(api, { snapshotId, to: options.to }, context);
  const targets = await targetsOf(api, options.to);
  const plan = await api.post<RestorePlan>("/api/v1/plans", {
    ...{ kind, snapshotId, replaceLayouts: options.replaceTables === true, ...targets },
    ...(options.baseline === undefined ? {} : { baseline: options.baseline }),
  });
  return showOrApply(api, plan, options, context);
}
