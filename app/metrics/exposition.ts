// The figures in Prometheus's text format. What is counted from rows gets a registry of its own for each scrape, so that a label whose
// rows are gone is gone, too, and two scrapes at once do not mix; the process's own figures (memory, event loop) live in one registry
// per process.
import { collectDefaultMetrics, Gauge, Registry } from "prom-client";
import { FAILURE_CODES } from "#lib/model/errors.ts";
import { JOB_KINDS, JOB_STATES, TASK_STATES } from "#lib/model/job.ts";
import { NODE_LIFE_CYCLES } from "#lib/model/node.ts";
import { SHEEPFOLD_VERSION } from "#lib/model/version.ts";
import type { Metrics } from "#lib/queries/metrics.ts";

export const METRICS_MEDIA_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;

/** Sums of what is told by type beside them, named like counters, which they are not: promtool complains. */
const MISNAMED = [
  "nodejs_active_handles_total",
  "nodejs_active_requests_total",
  "nodejs_active_resources_total",
];

// On globalThis, because the app's dev server reloads modules and would otherwise observe the event loop once more each time.
const holder = globalThis as typeof globalThis & { sheepfoldProcessMetrics?: Registry };

function processRegistry(): Registry {
  if (holder.sheepfoldProcessMetrics === undefined) {
    holder.sheepfoldProcessMetrics = new Registry();
    collectDefaultMetrics({ register: holder.sheepfoldProcessMetrics });
    for (const name of MISNAMED) holder.sheepfoldProcessMetrics.removeSingleMetric(name);
  }
  return holder.sheepfoldProcessMetrics;
}

export async function exposition(metrics: Metrics): Promise<string> {
  const registry = new Registry();
  const gauge = gaugesOf(registry);
  gauge("build_info", "Always 1; the label says which version runs.", [
    { version: SHEEPFOLD_VERSION, value: 1 },
  ]);
  tellWork(gauge, metrics);
  tellNodes(gauge, metrics);
  tellStorage(gauge, metrics);
  return Registry.merge([registry, processRegistry()]).metrics();
}

type Sample = { readonly value: number } & Readonly<Record<string, string | number>>;
type TellGauge = (name: string, help: string, samples: readonly Sample[]) => void;

/** Without samples a metric is left out: an age that nobody knows is not zero. */
function gaugesOf(registry: Registry): TellGauge {
  return (name, help, samples) => {
    const [first] = samples;
    if (first === undefined) return;
    const labelNames = Object.keys(first).filter((key) => key !== "value");
    const gauge = new Gauge({ name: `sheepfold_${name}`, help, labelNames, registers: [registry] });
    for (const { value, ...labels } of samples) gauge.set(labels, value);
  };
}

/** States and kinds that no row has are told as 0, so that a rule over them finds them. */
function tellWork(gauge: TellGauge, { jobs, tasks, failedTasks, ticketCount }: Metrics): void {
  const jobsOf = (kind: string, state: string) =>
    jobs.find((row) => row.kind === kind && row.state === state)?.count ?? 0;
  gauge(
    "jobs",
    "Jobs by kind and state, as their rows say now.",
    JOB_KINDS.flatMap((kind) => JOB_STATES.map((state) => ({ kind, state, value: jobsOf(kind, state) }))),
  );
  gauge(
    "tasks",
    "Tasks of jobs by state, as their rows say now.",
    TASK_STATES.map((state) => ({ state, value: tasks.find((row) => row.state === state)?.count ?? 0 })),
  );
  gauge(
    "tasks_failed",
    "Failed tasks by the code of their failure.",
    FAILURE_CODES.flatMap((code) => {
      const value = failedTasks.get(code);
      return value === undefined ? [] : [{ code, value }];
    }),
  );
  gauge("queue_up", "Whether Redis answers; without it jobs begin some seconds later.", [
    { value: ticketCount === null ? 0 : 1 },
  ]);
  gauge(
    "queue_tickets",
    "Tickets that no worker has taken yet.",
    ticketCount === null ? [] : [{ value: ticketCount }],
  );
}

function tellNodes(gauge: TellGauge, { nodes, classrooms, namedNodes, nowMs }: Metrics): void {
  const age = (at: Date) => Math.max(0, (nowMs - at.getTime()) / 1000);
  gauge(
    "nodes",
    "PCs by where they stand in their life.",
    NODE_LIFE_CYCLES.map((lifeCycle) => ({
      life_cycle: lifeCycle,
      value: nodes.find((row) => row.lifeCycle === lifeCycle)?.count ?? 0,
    })),
  );
  gauge(
    "classroom_nodes",
    "Enrolled PCs by classroom, and whether their agents are heard.",
    classrooms.flatMap(({ classroom, enrolled, online }) => [
      { classroom, state: "online", value: online },
      { classroom, state: "offline", value: enrolled - online },
    ]),
  );
  gauge(
    "classroom_nodes_without_snapshot",
    "Enrolled PCs of which there is no snapshot.",
    classrooms.map(({ classroom, withoutSnapshot: value }) => ({ classroom, value })),
  );
  gauge(
    "classroom_last_snapshot_age_seconds",
    "Since the newest snapshot of any PC of the classroom.",
    classrooms.flatMap(({ classroom, newestSnapshotAt: at }) =>
      at === null ? [] : [{ classroom, value: age(at) }],
    ),
  );
  gauge(
    "classroom_longest_without_snapshot_seconds",
    "Since the last snapshot of the PC that has waited longest for one.",
    classrooms.map(({ classroom, stalestAt }) => ({ classroom, value: age(stalestAt) })),
  );
  gauge(
    "node_online",
    "Whether the PC's agent is heard; only with ?nodes=yes.",
    namedNodes.map(({ node, classroom, online }) => ({ node, classroom, value: online ? 1 : 0 })),
  );
  gauge(
    "node_last_snapshot_age_seconds",
    "Since the PC's last snapshot; only with ?nodes=yes.",
    namedNodes.flatMap(({ node, classroom, lastSnapshotAt: at }) =>
      at === null ? [] : [{ node, classroom, value: age(at) }],
    ),
  );
}

function tellStorage(gauge: TellGauge, { snapshots, storage, upkeep, nowMs }: Metrics): void {
  gauge(
    "snapshots",
    "Snapshots by what verify and scrub found of them.",
    snapshots.map(({ verifyState, count }) => ({ verify_state: verifyState, value: count })),
  );
  const kinds = ["logical", "fill", "unique", "compressed", "stored"] as const;
  gauge(
    "repository_bytes",
    "Sizes after the last job that changed the repository: all images as if nothing were shared, pages of one byte, distinct blocks, those compressed, and what the folder takes.",
    storage.flatMap((sample) =>
      kinds.map((kind) => ({ repository: sample.repository, kind, value: sample[`${kind}Bytes`] })),
    ),
  );
  gauge(
    "repository_snapshots",
    "Snapshots in the repository after that job.",
    storage.map(({ repository, snapshotCount: value }) => ({ repository, value })),
  );
  gauge(
    "upkeep_age_seconds",
    "Since work on the whole store ended well the last time, by kind.",
    upkeep.map(({ kind, at }) => ({ kind, value: Math.max(0, (nowMs - at.getTime()) / 1000) })),
  );
}
