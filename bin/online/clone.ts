// `sheepfold clone SNAPSHOT --to classroom:NAME | --to PC…`: the same plan and the same job as the button, through the API.
// Without --apply or --yes it shows the plan and writes nothing.
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { CodedError } from "#lib/model/errors.ts";
import { nameToConfirm, type RestorePlan } from "#lib/model/plan.ts";
import { formatBytes } from "#lib/model/units.ts";
import { EXIT, type ExitCode } from "../repo/exit-codes.ts";
import { type OutputOptions, table } from "../repo/output.ts";
import { plainVerb, runVerb, type VerbContext } from "../repo/run-verb.ts";
import { ApiClient, type JobView } from "../stack/api-client.ts";

interface CloneOptions extends OutputOptions {
  readonly to: readonly string[];
  readonly server?: string;
  readonly tokenFile?: string;
  readonly apply?: string;
  readonly yes?: boolean;
  readonly replaceTables?: boolean;
}

const CLASSROOM = "classroom:";
const MASTER = "master:";
const AFTER_INTERRUPTION =
  "A job that was begun goes on: see it in the dashboard, and cancel it there if it must stop.";

export function cloneCommand(): Command {
  return plainVerb("clone", "Write a snapshot to other PCs, by the server's API.")
    .argument("<SNAPSHOT>", "id of a snapshot, or master:NAME for its newest release")
    .requiredOption("--to <TARGET...>", "classroom:NAME, or names of PCs")
    .option("--server <URL>", "the dashboard's address (or SHEEPFOLD_URL)")
    .option("--token-file <FILE>", "holds an API token from the settings page (or SHEEPFOLD_TOKEN_FILE)")
    .option("--replace-tables", "PCs that are partitioned otherwise get the snapshot's partition table, too")
    .option("--apply <HASH>", "carry the plan out if it is still the one with this hash")
    .option("--yes", "carry the plan out, whatever it says")
    .action((source: string, options: CloneOptions) =>
      runVerb(options, (context) => clone(source, options, context), AFTER_INTERRUPTION),
    );
}

async function clone(source: string, options: CloneOptions, context: VerbContext): Promise<ExitCode> {
  const api = await connect(options);
  const target = await targetOf(api, options.to);
  const snapshotId = await snapshotOf(api, source);
  const plan = await api.post<RestorePlan>("/api/v1/plans", {
    ...{ kind: "clone", snapshotId, replaceLayouts: options.replaceTables === true, ...target },
  });
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
  return carryOut(api, plan, context);
}

async function carryOut(api: ApiClient, plan: RestorePlan, { output }: VerbContext): Promise<ExitCode> {
  const confirmName = nameToConfirm(plan);
  const yes = { planHash: plan.hash, ...(confirmName === null ? {} : { confirmName }) };
  const { jobId } = await api.post<{ jobId: string }>(`/api/v1/plans/${plan.id}/apply`, yes, randomUUID());
  const onProgress = output.beginProgress();
  const job = await api.followJob(jobId, onProgress);
  output.endProgress();
  output.result(job, () => jobInWords(job));
  if (job.state === "succeeded") return EXIT.ok;
  throw new CodedError("job-partly-failed", `Not every PC became a copy: the job ended as "${job.state}".`, {
    hint: "The table says why. When the cause is gone, use Retry failed only in the dashboard, or clone to those PCs again.",
  });
}

async function connect({ server, tokenFile }: CloneOptions): Promise<ApiClient> {
  const url = server ?? process.env.SHEEPFOLD_URL;
  const file = tokenFile ?? process.env.SHEEPFOLD_TOKEN_FILE;
  if (url === undefined || !URL.canParse(url))
    throw missing("--server", "the dashboard's address, such as https://sheepfold.school");
  if (file === undefined)
    throw missing("--token-file", "a file that holds an API token; make one under Settings");
  const token = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new CodedError("input-invalid", `The token file ${file} cannot be read.`, {
      hint: "Check path and permissions.",
      cause,
    });
  });
  const api = new ApiClient(new URL(url).origin);
  api.authorize(token.trim());
  return api;
}

interface Named {
  readonly id: string;
  readonly name: string;
}

async function snapshotOf(api: ApiClient, source: string): Promise<string> {
  if (!source.startsWith(MASTER)) return source;
  const name = source.slice(MASTER.length);
  const { items } = await api.get<{ items: readonly { masterName: string; snapshotId: string }[] }>(
    "/api/v1/masters",
  );
  const newest = items.find(({ masterName }) => masterName === name);
  if (newest !== undefined) return newest.snapshotId;
  const names = [...new Set(items.map(({ masterName }) => masterName))].join(", ") || "none";
  throw new CodedError("release-unknown", `There is no master "${name}".`, { hint: `There are: ${names}.` });
}

async function targetOf(
  api: ApiClient,
  to: readonly string[],
): Promise<{ groupId: string } | { nodeIds: string[] }> {
  const [first = "", ...others] = to;
  if (first.startsWith(CLASSROOM)) {
    if (others.length > 0)
      throw new CodedError("input-invalid", "Give one classroom, or names of PCs, not both.");
    const { items } = await api.get<{ items: readonly Named[] }>("/api/v1/groups");
    return { groupId: idOf(items, first.slice(CLASSROOM.length), "classroom", "classroom-unknown") };
  }
  const { items } = await api.get<{ items: readonly Named[] }>("/api/v1/nodes");
  return { nodeIds: to.map((name) => idOf(items, name, "PC", "node-unknown")) };
}

function idOf(
  items: readonly Named[],
  name: string,
  what: string,
  code: "classroom-unknown" | "node-unknown",
): string {
  const found = items.find((item) => item.name === name);
  if (found !== undefined) return found.id;
  const names = items.map((item) => item.name).slice(0, 20);
  throw new CodedError(code, `There is no ${what} "${name}".`, {
    hint: `There are: ${names.join(", ") || "none"}.`,
  });
}

function planInWords(plan: RestorePlan): string {
  const rows = plan.items.map((item) => [
    item.nodeName,
    item.action === "restore" ? "overwrite" : `left out: ${item.reason}`,
    item.action === "restore" ? formatBytes(item.knownChangedBytes) : "",
    item.explanation,
  ]);
  return table(["PC", "what", "at most", "why"], rows, ["at most"]);
}

function jobInWords({ tasks }: JobView): string {
  const rows = tasks.map((task) => [task.nodeName ?? "", task.state, task.failure?.message ?? ""]);
  return table(["PC", "end", "why"], rows);
}

function missing(option: string, what: string): CodedError {
  return new CodedError("input-invalid", `${option} is missing.`, { hint: `Give ${what}.` });
}
