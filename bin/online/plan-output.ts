// Plan first: without --apply or --yes a command shows what would be done and writes nothing; with the plan's hash it does exactly that
// or refuses.
import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import { CodedError } from "#lib/model/errors.ts";
import { nameToConfirm, type RestorePlan } from "#lib/model/plan.ts";
import { formatBytes } from "#lib/model/units.ts";
import { EXIT, type ExitCode } from "../repo/exit-codes.ts";
import { table } from "../repo/output.ts";
import type { VerbContext } from "../repo/run-verb.ts";
import type { ApiClient } from "../stack/api-client.ts";
import { waitForJob } from "./job-output.ts";

export interface ApplyOptions {
  readonly apply?: string;
  readonly yes?: boolean;
}

export function withApplyOptions(command: Command): Command {
  return command
    .option("--apply <HASH>", "carry the plan out if it is still the one with this hash")
    .option("--yes", "carry the plan out, whatever it says");
}

export async function showOrApply(
  api: ApiClient,
  plan: RestorePlan,
  options: ApplyOptions,
  context: VerbContext,
): Promise<ExitCode> {
  if (options.apply === undefined && options.yes !== true) {
    context.output.result(
      plan,
      () => `${planInWords(plan)}\n\nNothing was written. To carry it out, add --apply ${plan.hash}`,
    );
    return EXIT.ok;
  }
  if (options.apply !== undefined && options.apply !== plan.hash) {
    throw new CodedError("plan-changed", `What would be done now is another plan, ${plan.hash}.`, {
      hint: "Run the command without --apply, read the plan, and use its hash.",
    });
  }
  const confirmName = nameToConfirm(plan);
  const yes = { planHash: plan.hash, ...(confirmName === null ? {} : { confirmName }) };
  const { jobId } = await api.post<{ jobId: string }>(`/api/v1/plans/${plan.id}/apply`, yes, randomUUID());
  return waitForJob(api, jobId, context);
}

function planInWords(plan: RestorePlan): string {
  const rows = plan.items.map((item) => [
    item.nodeName,
    item.action === "restore" ? (item.steps?.join(", ") ?? "overwrite") : `left out: ${item.reason}`,
    item.action === "restore" ? formatBytes(item.knownChangedBytes) : "",
    item.explanation,
  ]);
  return table(["PC", "what", "at most", "why"], rows, ["at most"]);
}
