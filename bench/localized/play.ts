// What a person does to localize a classroom, through the product's own API: snapshot the master, mark it, declare what differs, say
// each PC's values, look at the plan, apply it. One job then does the rest.
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { folderBytes } from "../measure-tool.ts";
import { type Classroom, follow, listOf, type RunJob } from "./classroom.ts";
import {
  ADDRESS_RANGE,
  ASSET_PATTERN,
  FACT_NAMES,
  type FactName,
  factsOf,
  HOST_PATTERN,
  recipes,
  tokenCounts,
  VOLUME_FILE,
} from "./facts.ts";
import { IDENTITY_PARTITION, SYSTEM_PARTITION } from "./master-disk.ts";

export interface Played {
  readonly masterSnapshotId: string;
  /** By PC. */
  readonly baselineIds: readonly string[];
  readonly masterJob: RunJob;
  readonly job: RunJob;
  /** From the word "apply" to the end of the job. */
  readonly jobSeconds: number;
  readonly repositoryBytes: { readonly master: number; readonly all: number };
  readonly tokenCount: number;
  /** As the preview says before anything is written. */
  readonly foreseenBytes: number;
}

interface Plan {
  readonly id: string;
  readonly hash: string;
  readonly items: readonly {
    readonly nodeName: string;
    readonly action: string;
    readonly explanation: string;
    readonly steps?: readonly string[];
  }[];
}

interface ReleaseAnswer {
  readonly master: { readonly scannedAt: string | null };
  readonly tokens: readonly { readonly name: string; readonly count: number }[];
}

interface SnapshotRow {
  readonly id: string;
  readonly nodeId: string;
}

const SCAN_MS_MAX = 15 * 60_000;
const LICENCE: FactName = "licence";

export async function localizeClassroom(
  classroom: Classroom,
  { beforeJob, say }: { readonly beforeJob: () => Promise<void>; readonly say: (text: string) => void },
): Promise<Played> {
  const { api, master, pcs, groupId, name, repository } = classroom;
  say("Snapshot of the master …");
  const wished = await api.post<{ jobId: string }>(
    `/api/v1/nodes/${master.nodeId}/snapshots`,
    { comment: "Installed" },
    randomUUID(),
  );
  const masterJob = await follow(api, wished.jobId, say);
  const masterSnapshotId = (await snapshotsOf(classroom, masterJob.id))[0]?.id ?? "";
  const masterBytes = await folderBytes(repository);

  const tokenCount = await declare(classroom, masterSnapshotId, say);
  await giveValues(classroom);
  const foreseenBytes = await foresee(classroom, masterSnapshotId);
  await beforeJob();
  say(`Localize ${name} …`);
  const wish = { kind: "localize", snapshotId: masterSnapshotId, groupId, baseline: true };
  const plan = await api.post<Plan>("/api/v1/plans", wish);
  for (const { nodeName, action, explanation, steps } of plan.items)
    if (action !== "restore" || steps?.length !== 3) throw new Error(`${nodeName}: ${explanation}`);
  await classroom.switchOff();
  const startedMs = performance.now();
  const { jobId } = await api.post<{ jobId: string }>(
    `/api/v1/plans/${plan.id}/apply`,
    { planHash: plan.hash, confirmName: name },
    randomUUID(),
  );
  const [job] = await Promise.all([follow(api, jobId, say), classroom.takeTurns(jobId)]);
  const jobSeconds = (performance.now() - startedMs) / 1000;
  const made = await snapshotsOf(classroom, jobId);
  const baselineIds = pcs.map((pc) => {
    const snapshot = made.find(({ nodeId }) => nodeId === pc.nodeId);
    if (snapshot === undefined) throw new Error(`${pc.name} has no baseline.`);
    return snapshot.id;
  });
  const repositoryBytes = { master: masterBytes, all: await folderBytes(repository) };
  return {
    ...{ masterSnapshotId, baselineIds, masterJob, job, jobSeconds, repositoryBytes },
    ...{ tokenCount, foreseenBytes },
  };
}

/** Marks the master, waits until it was looked through, and declares what was put there: no place more, none less. */
async function declare({ api }: Classroom, snapshotId: string, say: (text: string) => void): Promise<number> {
  const marked = { snapshotId, masterName: "Desk PC", note: "With tokens" };
  const { release } = await api.post<{ release: { id: string } }>("/api/v1/masters", marked, randomUUID());
  say("Looking for tokens …");
  const found = await scanned(api, release.id);
  const counts = tokenCounts();
  for (const [name, count] of counts) {
    const there = found.tokens.find((token) => token.name === name)?.count ?? 0;
    if (there !== count) throw new Error(`${count} tokens ${name} were put there, ${there} were found.`);
  }
  await api.put(`/api/v1/masters/${release.id}/localization`, {
    identityImage: IDENTITY_PARTITION,
    tokens: [...counts].map(([name, count]) => ({ name, count })),
    recipes: recipes(SYSTEM_PARTITION),
  });
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

async function scanned(api: Classroom["api"], releaseId: string): Promise<ReleaseAnswer> {
  for (const until = performance.now() + SCAN_MS_MAX; performance.now() < until; await delay(500)) {
    const answer = await api.get<ReleaseAnswer>(`/api/v1/masters/${releaseId}`);
    if (answer.master.scannedAt !== null) return answer;
  }
  throw new Error("The master was not looked through in time.");
}

/** By each way that there is: patterns, a range, a pool, a table. */
async function giveValues({ api, groupId, pcs }: Classroom): Promise<void> {
  for (const name of FACT_NAMES)
    await api.post("/api/v1/variable-names", { name, isUnique: true, isSecret: name === LICENCE });
  const generate = (name: FactName, how: object) =>
    api.post("/api/v1/variables/generate", { name, groupId, how, dryRun: false });
  const all = pcs.map((_, index) => factsOf(index + 1));
  await generate("host_name", { kind: "pattern", pattern: HOST_PATTERN });
  await generate("asset_tag", { kind: "pattern", pattern: ASSET_PATTERN });
  await generate("ip_address", { kind: "range", range: ADDRESS_RANGE });
  await generate("printer", { kind: "pool", pool: all.map(({ printer }) => printer) });
  await generate(LICENCE, { kind: "pool", pool: all.map(({ licence }) => licence) });
  const values = pcs.flatMap(({ nodeId }, index) =>
    (["machine_id", "sid"] as const).map((name) => ({
      ...{ name, scope: "node", scopeId: nodeId },
      value: all[index]?.[name] ?? "",
    })),
  );
  await api.put("/api/v1/variables", { values });
  await api.post("/api/v1/identity-files", VOLUME_FILE);
}

async function foresee({ api, pcs }: Classroom, snapshotId: string): Promise<number> {
  const releases = await listOf<{ id: string; snapshotId: string }>(api, "/api/v1/masters");
  const release = releases.find((candidate) => candidate.snapshotId === snapshotId);
  const answer = await api.get<{ preview: { differingBytes: number } | null }>(
    `/api/v1/masters/${release?.id}/preview?node=${pcs[0]?.nodeId}`,
  );
  return answer.preview?.differingBytes ?? 0;
}

function snapshotsOf({ api }: Classroom, jobId: string): Promise<SnapshotRow[]> {
  return listOf<SnapshotRow>(api, `/api/v1/snapshots?job=${jobId}`);
}
