// The whole product on this machine with a master and N PCs: agents as they run on PCs, over image files, one process for each PC.
// Started in a folder of its own and gone afterwards.
import { setTimeout as delay } from "node:timers/promises";
import { isFinalJobState } from "#lib/model/job.ts";
import { ApiClient, type JobView } from "../../bin/stack/api-client.ts";
import { type Child, stopAllChildren } from "../../bin/stack/child-process.ts";
import { freePort } from "../../bin/stack/services.ts";
import { type Stack, startStack } from "../../bin/stack/stack.ts";

export interface Pc {
  readonly name: string;
  readonly nodeId: string;
  readonly disk: string;
}

export interface Classroom {
  readonly api: ApiClient;
  readonly groupId: string;
  readonly name: string;
  readonly repository: string;
  readonly master: Pc;
  /** In the order of their numbers, from 1. */
  readonly pcs: readonly Pc[];
  /** Switches all PCs off; the master stays on. */
  switchOff(): Promise<void>;
  /** Switches PCs on a few at a time, each until its part of the job is done, and resolves when no part is open. */
  takeTurns(jobId: string): Promise<void>;
}

/** A job's view, with what the API says of tasks beside what the client's type names. */
export interface RunJob extends Omit<JobView, "tasks"> {
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly tasks: readonly RunTask[];
}

export interface RunTask {
  readonly kind: string;
  readonly nodeId: string | null;
  readonly nodeName: string | null;
  readonly state: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly snapshotId: string | null;
  readonly failure: { readonly message: string } | null;
  readonly report: Readonly<Record<string, unknown>> | null;
}

interface NodeRow {
  readonly id: string;
  readonly name: string;
}

const ROOM = "Lab A";
const AGENTS_AT_ONCE = 6;
/** PCs that work at a time. On this machine they share its cores: were all of them on, none would be heard in time. */
export const PCS_AT_ONCE = 8;
/** Those that are off must not be taken for lost. */
const AGENT_WAIT_MS = 4 * 3600 * 1000;
/** The demo asks four times a second; a job of hundreds of tasks is asked less often, not to be what is measured. */
const POLL_MS = 1_000;
const SAID_MS = 15_000;

export async function withClassroom<Result>(
  options: {
    readonly folder: string;
    readonly masterDisk: string;
    readonly pcDisks: readonly string[];
    readonly say: (text: string) => void;
  },
  work: (classroom: Classroom) => Promise<Result>,
): Promise<Result> {
  const { folder, masterDisk, pcDisks, say } = options;
  try {
    const stack = await startStack({
      ...{ dir: folder, app: "production", log: say, appPort: await freePort() },
      env: { AGENT_WAIT_MS: String(AGENT_WAIT_MS) },
    });
    const api = new ApiClient(stack.appUrl);
    await api.signIn(stack.admin);
    const group = await api.post<NodeRow>("/api/v1/groups", { name: ROOM });
    say(`Starting ${pcDisks.length + 1} agents …`);
    const agents = new Map<string, Child>();
    const [master] = await startAgents(stack, api, null, [{ name: "the-master", disk: masterDisk }], agents);
    agents.clear();
    const wanted = pcDisks.map((disk, index) => ({ name: pcName(index + 1), disk }));
    const pcs = await startAgents(stack, api, group.id, wanted, agents);
    if (master === undefined) throw new Error("Bug: the master has no node.");
    return await work({
      ...{ api, groupId: group.id, name: ROOM, master, pcs },
      switchOff: async () => {
        await Promise.all([...agents.values()].map((agent) => agent.stop()));
      },
      takeTurns: (jobId) => takeTurns(stack, api, pcs, jobId),
      repository: stack.env.SHEEPFOLD_REPOSITORY ?? "",
    });
  } finally {
    await stopAllChildren();
  }
}

async function takeTurns(stack: Stack, api: ApiClient, pcs: readonly Pc[], jobId: string): Promise<void> {
  const waiting = [...pcs];
  const on = new Map<string, Child>();
  for (; ; await delay(POLL_MS)) {
    const { tasks } = await api.get<RunJob>(`/api/v1/jobs/${jobId}`);
    const open = new Set(tasks.flatMap(({ nodeId, state }) => (OPEN.includes(state) ? (nodeId ?? []) : [])));
    for (const [nodeId, agent] of on) {
      if (open.has(nodeId)) continue;
      on.delete(nodeId);
      await agent.stop();
    }
    if (open.size === 0) return;
    while (on.size < PCS_AT_ONCE) {
      const pc = waiting.shift();
      if (pc === undefined) break;
      on.set(pc.nodeId, await stack.startAgent({ name: pc.name, disk: pc.disk }));
    }
  }
}

const OPEN = ["waiting", "ready", "running"];

/** All items of a list, page by page. */
export async function listOf<Row>(api: ApiClient, path: string): Promise<Row[]> {
  const rows: Row[] = [];
  let cursor = "";
  do {
    const from = cursor === "" ? path : `${path}${path.includes("?") ? "&" : "?"}cursor=${cursor}`;
    const page = await api.get<{ items: readonly Row[]; next?: string | null }>(from);
    rows.push(...page.items);
    cursor = page.next ?? "";
  } while (cursor !== "");
  return rows;
}

/** Resolves when the job has succeeded; throws with its tasks' own words otherwise. */
export async function follow(api: ApiClient, jobId: string, say: (text: string) => void): Promise<RunJob> {
  for (let saidAt = performance.now(); ; await delay(POLL_MS)) {
    const job = await api.get<RunJob>(`/api/v1/jobs/${jobId}`);
    if (isFinalJobState(job.state)) return succeeded(job);
    if (performance.now() - saidAt < SAID_MS) continue;
    saidAt = performance.now();
    const done = job.tasks.filter(({ state }) => state === "succeeded").length;
    say(`${job.title}: ${done} of ${job.tasks.length} tasks, ${percent(job)} % of the bytes`);
  }
}

function succeeded(job: RunJob): RunJob {
  if (job.state === "succeeded") return job;
  const reasons = job.tasks.flatMap(({ nodeName, kind, failure }) =>
    failure === null ? [] : [`${nodeName} (${kind}): ${failure.message}`],
  );
  throw new Error(`${job.title} ended as ${job.state}. ${[job.failure?.message, ...reasons].join("\n")}`);
}

function percent({ doneBytes, totalBytes }: RunJob): number {
  return totalBytes === 0 ? 0 : Math.floor((100 * doneBytes) / totalBytes);
}

/** Three digits at least, so that their order by name is that of their numbers for people, too. */
function pcName(number: number): string {
  return `pc-${String(number).padStart(3, "0")}`;
}

async function startAgents(
  stack: Stack,
  api: ApiClient,
  groupId: string | null,
  wanted: readonly Omit<Pc, "nodeId">[],
  agents: Map<string, Child>,
): Promise<Pc[]> {
  const wish = { name: "Benchmark", ...(groupId === null ? {} : { groupId }) };
  const { secret: enrolmentKey } = await api.post<{ secret: string }>("/api/v1/enrolment-keys", wish);
  for (let first = 0; first < wanted.length; first += AGENTS_AT_ONCE) {
    const batch = wanted.slice(first, first + AGENTS_AT_ONCE);
    await Promise.all(
      batch.map(async (pc) => agents.set(pc.name, await stack.startAgent({ ...pc, enrolmentKey }))),
    );
  }
  const nodes = await listOf<NodeRow>(api, "/api/v1/nodes");
  return wanted.map(({ name, disk }) => {
    const node = nodes.find((candidate) => candidate.name === name);
    if (node === undefined) throw new Error(`${name} did not enrol.`);
    return { name, disk, nodeId: node.id };
  });
}
