// The whole product on this machine with a master and N PCs: agents as they run on PCs, over image files, one process for each PC.
// Started in a folder of its own and gone afterwards.
import { setTimeout as delay } from "node:timers/promises";
import { isFinalJobState } from "#lib/model/job.ts";
import { ApiClient, type JobView } from "../../bin/stack/api-client.ts";
import { stopAllChildren } from "../../bin/stack/child-process.ts";
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
    const stack = await startStack({ dir: folder, app: "production", log: say, appPort: await freePort() });
    const api = new ApiClient(stack.appUrl);
    await api.signIn(stack.admin);
    const group = await api.post<NodeRow>("/api/v1/groups", { name: ROOM });
    say(`Starting ${pcDisks.length + 1} agents …`);
    const [master] = await startAgents(stack, api, null, [{ name: "the-master", disk: masterDisk }]);
    const wanted = pcDisks.map((disk, index) => ({ name: pcName(index + 1), disk }));
    const pcs = await startAgents(stack, api, group.id, wanted);
    if (master === undefined) throw new Error("Bug: the master has no node.");
    return await work({
      ...{ api, groupId: group.id, name: ROOM, master, pcs },
      repository: stack.env.SHEEPFOLD_REPOSITORY ?? "",
    });
  } finally {
    await stopAllChildren();
  }
}

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
): Promise<Pc[]> {
  const wish = { name: "Benchmark", ...(groupId === null ? {} : { groupId }) };
  const { secret: enrolmentKey } = await api.post<{ secret: string }>("/api/v1/enrolment-keys", wish);
  for (let first = 0; first < wanted.length; first += AGENTS_AT_ONCE) {
    const batch = wanted.slice(first, first + AGENTS_AT_ONCE);
    await Promise.all(batch.map((pc) => stack.startAgent({ ...pc, enrolmentKey })));
  }
  const nodes = await listOf<NodeRow>(api, "/api/v1/nodes");
  return wanted.map(({ name, disk }) => {
    const node = nodes.find((candidate) => candidate.name === name);
    if (node === undefined) throw new Error(`${name} did not enrol.`);
    return { name, disk, nodeId: node.id };
  });
}
