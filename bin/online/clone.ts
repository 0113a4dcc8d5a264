// `sheepfold clone SNAPSHOT --to classroom:NAME | --to PC…`, and `sheepfold localize`, which gives each copy an identity of its own, too: the
// same plan and the same job as the buttons, through the API. Without --apply or --yes they show the plan and write nothing.
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
  /** Of localize: false without a snapshot of each PC afterwards. */
  readonly baseline?: boolean;
  readonly preview?: boolean;
}

type Kind = "clone" | "localize";

const CLASSROOM = "classroom:";
const MASTER = "master:";
const AFTER_INTERRUPTION =
  "A job that was begun goes on: see it in the dashboard, and cancel it there if it must stop.";

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
  return plainVerb(kind, words)
    .argument("<SNAPSHOT>", "id of a snapshot, or master:NAME for its newest release")
    .requiredOption("--to <TARGET...>", "classroom:NAME, or names of PCs")
    .option("--server <URL>", "the dashboard's address (or SHEEPFOLD_URL)")
    .option("--token-file <FILE>", "holds an API token from the settings page (or SHEEPFOLD_TOKEN_FILE)")
    .option("--replace-tables", "PCs that are partitioned otherwise get the snapshot's partition table, too")
    .option("--apply <HASH>", "carry the plan out if it is still the one with this hash")
    .option("--yes", "carry the plan out, whatever it says")
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
  const snapshotId = await snapshotOf(api, source);
  if (options.preview === true) return preview(api, snapshotId, options, context);
  const target = await targetOf(api, options.to);
  const plan = await api.post<RestorePlan>("/api/v1/plans", {
    ...{ kind, snapshotId, replaceLayouts: options.replaceTables === true, ...target },
    ...(options.baseline === undefined ? {} : { baseline: options.baseline }),
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
  throw new CodedError("job-partly-failed", `Not every PC succeeded: the job ended as "${job.state}".`, {
    hint: "The table says why. When the cause is gone, use Retry failed only in the dashboard, or run the command again for those PCs.",
  });
}

/** Of each PC named: what it would get. A classroom's PCs are shown one after the other. */
async function preview(
  api: ApiClient,
  snapshotId: string,
  { to }: CloneOptions,
  { output }: VerbContext,
): Promise<ExitCode> {
  const { items } = await api.get<{ items: readonly { id: string; snapshotId: string }[] }>(
    "/api/v1/masters",
  );
  const release = items.find((item) => item.snapshotId === snapshotId);
  if (release === undefined) {
    throw new CodedError("release-unknown", `Snapshot ${snapshotId} is no release of a master.`, {
      hint: "Mark it as master first.",
    });
  }
  const target = await targetOf(api, to);
  const previews: Preview[] = [];
  for (const nodeId of await nodesOf(api, target))
    previews.push(await api.get<Preview>(`/api/v1/masters/${release.id}/preview?node=${nodeId}`));
  output.result({ items: previews }, () => previews.map(previewInWords).join("\n\n"));
  return EXIT.ok;
}

interface Preview {
  readonly nodeName: string;
  readonly problem: { readonly message: string; readonly hint: string | null } | null;
  readonly preview: {
    readonly files: readonly { readonly path: string; readonly text: string }[];
    readonly tokens: readonly {
      readonly partition: string;
      readonly offsetBytes: number;
      readonly name: string;
      readonly value: string;
    }[];
    readonly differingBytes: number;
  } | null;
}

function previewInWords({ nodeName, problem, preview: shown }: Preview): string {
  if (shown === null)
    return `${nodeName}: cannot be localized. ${problem?.message ?? ""} ${problem?.hint ?? ""}`;
  const tokens = shown.tokens.map(({ partition, offsetBytes, name, value }) => [
    name,
    value,
    `${partition} at ${offsetBytes}`,
  ]);
  return [
    `${nodeName}: differs from the master by at most ${formatBytes(shown.differingBytes)}`,
    ...(tokens.length === 0 ? [] : [table(["token", "becomes", "where"], tokens)]),
    ...shown.files.map(({ path, text }) => `--- ${path}\n${text.trimEnd()}`),
  ].join("\n");
}

async function nodesOf(
  api: ApiClient,
  target: { groupId: string } | { nodeIds: string[] },
): Promise<string[]> {
  if ("nodeIds" in target) return target.nodeIds;
  const { items } = await api.get<{ items: readonly { id: string; groupId: string | null }[] }>(
    "/api/v1/nodes",
  );
  return items.filter(({ groupId }) => groupId === target.groupId).map(({ id }) => id);
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
    item.action === "restore" ? (item.steps?.join(", ") ?? "overwrite") : `left out: ${item.reason}`,
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
