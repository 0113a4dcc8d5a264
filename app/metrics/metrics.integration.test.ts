// /metrics on a real database: who may read it, that Prometheus's own checker accepts it, that the figures are those of the rows, and that
// no PC is named unless asked for.
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createApiToken } from "#lib/auth/api-tokens.ts";
import { database } from "#lib/db/client.ts";
import { recordStorageSample } from "#lib/db/storage-samples.ts";
import { makeGroup, makeJob, makeNode, makeSnapshot, makeViewer, REPOSITORY_ID } from "#lib/db/test-rows.ts";
import { createTestDatabase, type TestDatabase } from "#lib/db/testing.ts";
import { boundedClassrooms, OTHER_CLASSROOMS } from "#lib/queries/metrics.ts";
import { closeQueue } from "#lib/queue/enqueue.ts";
import { GET as metrics } from "./route.ts";

/** Of the Debian package prometheus; the variable is for those who have it elsewhere. */
const PROMTOOL = process.env.PROMTOOL ?? "/usr/bin/promtool";

const DASHBOARD = join(import.meta.dirname, "../../deploy/grafana/sheepfold.json");

let db: TestDatabase;
let token: string;

beforeAll(async () => {
  process.env.BETTER_AUTH_SECRET ??= "a secret of these tests, long enough to be one";
  db = await createTestDatabase();
  token = await createApiToken((await makeViewer("viewer")).id, "prometheus");
});
afterAll(async () => {
  await closeQueue();
  await db.drop();
});

const scrape = (query = "", headers: object = { authorization: `Bearer ${token}` }) =>
  metrics(new Request(`http://localhost/metrics${query}`, { headers: { ...headers } }));

/** The value of the line that begins so; undefined when there is none. */
function readingOf(exposed: string, series: string): number | undefined {
  const line = exposed.split("\n").find((candidate) => candidate.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

test("it wants a token, and one that may only read is enough", async () => {
  expect((await scrape("", {})).status).toBe(401);
  const response = await scrape();
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toContain("text/plain; version=0.0.4");
});

test("the figures are those of the rows; unknown codes and PCs add no labels", async () => {
  const group = await makeGroup();
  const [heard, silent] = [await makeNode(group.id), await makeNode(group.id)];
  await database().node.update({ where: { id: silent.id }, data: { lastSeenAt: new Date(0) } });
  await makeSnapshot(heard.name, new Date(Date.now() - 3_600_000));
  const jobId = await makeJob([heard.id, silent.id]);
  const failed = { state: "failed", failureCode: "disk-mismatch" } as const;
  await database().task.updateMany({ where: { jobId, nodeId: heard.id }, data: failed });
  const unknown = { state: "failed", failureCode: "of another version" } as const;
  await database().task.updateMany({ where: { jobId, nodeId: silent.id }, data: unknown });
  const sizes = {
    logicalBytes: 900,
    fillBytes: 100,
    uniqueBytes: 300,
    compressedBytes: 150,
    storedBytes: 160,
  };
  await recordStorageSample({ repositoryId: REPOSITORY_ID, snapshotCount: 1, ...sizes });
  const scrubbed = await makeJob([], { kind: "scrub", tasks: [{ kind: "scrub", nodeId: null }] });
  const finishedAt = new Date(Date.now() - 60_000);
  await database().job.update({ where: { id: scrubbed }, data: { state: "succeeded", finishedAt } });

  const exposed = await (await scrape()).text();
  const expected: Record<string, number> = {
    'sheepfold_jobs{kind="snapshot-classroom",state="queued"}': 1,
    'sheepfold_jobs{kind="scrub",state="succeeded"}': 1,
    'sheepfold_jobs{kind="gc",state="failed"}': 0,
    'sheepfold_tasks_failed{code="disk-mismatch"}': 1,
    'sheepfold_tasks_failed{code="internal"}': 1,
    [`sheepfold_classroom_nodes{classroom="${group.name}",state="online"}`]: 1,
    [`sheepfold_classroom_nodes{classroom="${group.name}",state="offline"}`]: 1,
    [`sheepfold_classroom_nodes_without_snapshot{classroom="${group.name}"}`]: 1,
    'sheepfold_repository_bytes{repository="Tests",kind="logical"}': 900,
    'sheepfold_repository_bytes{repository="Tests",kind="stored"}': 160,
    'sheepfold_snapshots{verify_state="never"}': 1,
    sheepfold_queue_up: 1,
    sheepfold_queue_tickets: 0,
  };
  for (const [series, value] of Object.entries(expected))
    expect(readingOf(exposed, series), series).toBe(value);
  const age = readingOf(exposed, `sheepfold_classroom_last_snapshot_age_seconds{classroom="${group.name}"}`);
  expect(age).toBeGreaterThanOrEqual(3_600);
  expect(age).toBeLessThan(3_700);
  expect(readingOf(exposed, 'sheepfold_upkeep_age_seconds{kind="scrub"}')).toBeGreaterThanOrEqual(60);
  expect(exposed).toMatch(/^sheepfold_build_info\{version="[^"]+"\} 1$/m);
  expect(exposed).not.toContain(heard.name);

  // The dashboard for Grafana asks for nothing that is not told.
  const dashboard = await readFile(DASHBOARD, "utf8");
  for (const [name] of dashboard.matchAll(/sheepfold_\w+/g))
    expect(exposed).toContain(`# TYPE ${name} gauge`);

  const named = await (await scrape("?nodes=yes")).text();
  const labels = (name: string) => `{node="${name}",classroom="${group.name}"}`;
  expect(readingOf(named, `sheepfold_node_online${labels(heard.name)}`)).toBe(1);
  expect(readingOf(named, `sheepfold_node_online${labels(silent.name)}`)).toBe(0);
  expect(readingOf(named, `sheepfold_node_last_snapshot_age_seconds${labels(silent.name)}`)).toBeUndefined();
});

test("promtool finds nothing to complain of, with PCs and without", async () => {
  for (const query of ["", "?nodes=yes"]) {
    const program = spawn(PROMTOOL, ["check", "metrics"], { stdio: ["pipe", "pipe", "pipe"] });
    const failed = new Promise<never>((_, reject) => program.on("error", reject));
    const ended = new Promise<number | null>((resolve) => program.on("close", resolve));
    program.stdin.end(await (await scrape(query)).text());
    const complaints = await Promise.race([text(program.stderr), failed]);
    expect({ complaints, code: await ended }).toEqual({ complaints: "", code: 0 });
  }
});

test("classrooms behind the bound are told together", () => {
  const room = (classroom: string, at: number | null) => ({
    ...{ classroom, enrolled: 3, online: 1, withoutSnapshot: 1, stalestAt: new Date(at ?? 5) },
    newestSnapshotAt: at === null ? null : new Date(at),
  });
  const bounded = boundedClassrooms([room("a", 1), room("b", null), room("c", 9), room("d", 2)], 1);
  expect(bounded).toEqual([
    room("a", 1),
    {
      ...{ classroom: OTHER_CLASSROOMS, enrolled: 9, online: 3, withoutSnapshot: 3 },
      ...{ newestSnapshotAt: new Date(9), stalestAt: new Date(2) },
    },
  ]);
  expect(boundedClassrooms([room("a", 1)], 1)).toEqual([room("a", 1)]);
});
