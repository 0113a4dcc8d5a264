// `sheepfold roll-back NODE | classroom:NAME --to MOMENT | SNAPSHOT`: the same plan and the same job as the button. Without --apply or
// --yes it shows the plan and writes nothing.
import type { Command } from "commander";
import { CodedError } from "#lib/model/errors.ts";
import { isId } from "#lib/model/ids.ts";
import type { RestorePlan } from "#lib/model/plan.ts";
import { runVerb } from "../repo/run-verb.ts";
import { AFTER_INTERRUPTION, type ConnectionOptions, connect, onlineVerb } from "./connection.ts";
import { targetOf } from "./names.ts";
import { type ApplyOptions, showOrApply, withApplyOptions } from "./plan-output.ts";

interface RollBackOptions extends ConnectionOptions, ApplyOptions {
  readonly to: string;
}

export function rollBackCommand(): Command {
  return withApplyOptions(onlineVerb("roll-back", "Bring a PC or a classroom back to what it was."))
    .argument("<TARGET>", "name of a PC, or classroom:NAME")
    .requiredOption("--to <MOMENT>", "such as 2026-05-04T07:30+02:00, or the id of a snapshot")
    .action((word: string, options: RollBackOptions) =>
      runVerb(
        options,
        async (context) => {
          const at = momentOf(options.to);
          const api = await connect(options);
          const target = await targetOf(api, word);
          const wish =
            "groupId" in target
              ? { kind: "roll-back-classroom", subjectId: target.groupId, at }
              : { kind: "restore-node", subjectId: target.nodeId, at };
          return showOrApply(api, await api.post<RestorePlan>("/api/v1/plans", wish), options, context);
        },
        AFTER_INTERRUPTION,
      ),
    );
}

/** Without a time zone it is this computer's, as people mean it; the server is told in UTC. */
function momentOf(text: string): string {
  if (isId("snap", text)) return text;
  const moment = new Date(text);
  if (!Number.isNaN(moment.getTime())) return moment.toISOString();
  throw new CodedError("input-invalid", `--to: ${text} is neither a moment nor a snapshot's id.`, {
    hint: "Write a moment as 2026-05-04T07:30, or take an id from sheepfold snapshots.",
  });
}
