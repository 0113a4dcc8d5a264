// The online commands against the API's own routes on a real database: what they show and to which exit code, that nothing is done
// before its plan was shown, and that waiting for a job ends as the job ends. A worker is played by the test.
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkEveryAnswer } from "#app/api/check-answers.ts";
import { serveRoutes } from "#app/api/serve-routes.ts";
import { createApiToken } from "#lib/auth/api-tokens.ts";
import { database } from "#lib/db/client.ts";
import { makeGroup, makeJob, makeNode, makeSnapshot, makeViewer } from "#lib/db/test-rows.ts";
import { createTestDatabase, type TestDatabase } from "#lib/db/testing.ts";
import { SECRET_MASK } from "#lib/model/variable-grid.ts";
import { closeQueue } from "#lib/queue/enqueue.ts";
import { EXIT } from "../repo/exit-codes.ts";

checkEveryAnswer();

const run = promisify(execFile);
const PROGRAM = join(import.meta.dirname, "../sheepfold.ts");
const secretBefore = process.env.BETTER_AUTH_SECRET;

let db: TestDatabase;
let folder: string;
let served: { origin: string; server: Server };
let group: { id: string; name: string };
let nodes: readonly { id: string; name: string }[];

beforeAll(async () => {
  process.env.BETTER_AUTH_SECRET = "a secret of these tests, long enough to be one";
  db = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), "sheepfold-online-"));
  served = await serveRoutes();
  const token = await createApiToken((await makeViewer("admin")).id, "cli");
  await writeFile(join(folder, "token"), `${token}\n`);
  group = await makeGroup();
  nodes = [await makeNode(group.id), await makeNode(group.id)];
});
afterAll(async () => {
  served.server.close();
  await rm(folder, { recursive: true, force: true });
  await closeQueue();
  await db.drop();
  if (secretBefore === undefined) delete process.env.BETTER_AUTH_SECRET;
  else process.env.BETTER_AUTH_SECRET = secretBefore;
});

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function cli(...args: string[]): Promise<Ended> {
  const env = {
    ...process.env,
    SHEEPFOLD_URL: served.origin,
    SHEEPFOLD_TOKEN_FILE: join(folder, "token"),
  };
  try {
    return { code: 0, ...(await run(process.execPath, [PROGRAM, ...args], { env })) };
  } catch (thrown) {
    const { code, stdout, stderr } = thrown as Ended; // execFile's error has them
    return { code, stdout, stderr };
  }
}

async function json<Value>(...args: string[]): Promise<Value> {
  const { code, stdout, stderr } = await cli(...args, "--json");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout);
}

type RowKind = "snapshot_classroom" | "restore_node" | "roll_back_classroom";

/** What a worker would do, as soon as the job of this kind is there. */
async function endJob(kind: RowKind, state: "succeeded" | "partial"): Promise<string> {
  const queued = () => database().job.findFirst({ where: { kind, state: "queued" } });
  await expect.poll(async () => (await queued()) !== null, { timeout: 60_000 }).toBe(true);
  const id = (await queued())?.id ?? "";
  await database().task.updateMany({ where: { jobId: id }, data: { state: "succeeded" } });
  await database().job.update({ where: { id }, data: { state, finishedAt: new Date() } });
  return id;
}

describe("lists", () => {
  test("PCs, classrooms and snapshots, for people and for programs; unknown names are told with those there are", async () => {
    const snapshot = await makeSnapshot(nodes[0]?.name ?? "");
    const shown = await cli("nodes", "--classroom", group.name);
    expect(shown.code).toBe(0);
    for (const { name } of nodes)
      expect(shown.stdout).toMatch(new RegExp(`^${name} +${group.name} .*online`, "m"));
    expect(await json("groups")).toContainEqual({ ...group, nodeCount: 2 });
    const found = await json<{ id: string }[]>("snapshots", "--node", nodes[0]?.name ?? "", "--limit", "5");
    expect(found.map(({ id }) => id)).toEqual([snapshot.id]);
    const unknown = await cli("snapshots", "--node", "pc-nowhere");
    expect(unknown).toMatchObject({
      code: EXIT.notFound,
      stderr: expect.stringContaining(nodes[0]?.name ?? ""),
    });
    expect((await cli("snapshots", "--limit", "none")).code).toBe(EXIT.usage);
  });

  test("masters: a release is made and listed", async () => {
    const { id } = await makeSnapshot(nodes[1]?.name ?? "");
    const made = await json("masters", "release", id, "--name", "Physics", "--note", "the first");
    expect(made).toMatchObject({ masterName: "Physics", number: 1, snapshotId: id });
    expect((await cli("masters")).stdout).toMatch(/^Physics +1 +snap_\w+ .*the first$/m);
  });
});

describe("jobs", () => {
  test("are listed by state, shown with their tasks, cancelled and retried", async () => {
    const jobId = await makeJob([(await makeNode()).id]);
    const queued = await json<{ id: string }[]>("jobs", "list", "--state", "queued");
    expect(queued.map(({ id }) => id)).toContain(jobId);
    expect((await cli("jobs", "show", jobId)).stdout).toMatch(/state +queued[\s\S]*waiting/);
    expect(await json("jobs", "cancel", jobId)).toEqual({ jobId, state: "cancelled" });
    const watched = await cli("jobs", "show", jobId, "--watch");
    expect(watched.code).toBe(EXIT.interrupted);
    expect(watched.stdout).toContain("cancelled");
    const { jobId: again } = await json<{ jobId: string }>("jobs", "retry", jobId);
    expect(again).not.toBe(jobId);
    await json("jobs", "cancel", again);
    expect((await cli("jobs", "show", "job_nowhere")).code).toBe(EXIT.notFound);
    expect((await cli("jobs", "list", "--state", "asleep")).code).toBe(EXIT.usage);
  });
});

describe("deeds", () => {
  test("snapshot of a classroom waits for the end, and its exit code says how it was", async () => {
    const waiting = cli("snapshot", `classroom:${group.name}`, "--comment", "before the exam", "--json");
    const jobId = await endJob("snapshot_classroom", "partial");
    const ended = await waiting;
    expect(ended.code).toBe(EXIT.internal);
    expect(JSON.parse(ended.stdout)).toMatchObject({ id: jobId, state: "partial" });
    expect(JSON.parse(ended.stderr.trim())).toMatchObject({ code: "job-partly-failed" });
    const job = await database().job.findUniqueOrThrow({ where: { id: jobId } });
    expect(job.options).toMatchObject({ comment: "before the exam" });
  });

  test("snapshot --no-wait prints the job's id; a busy PC is refused", async () => {
    const node = await makeNode(group.id);
    const { jobId } = await json<{ jobId: string }>("snapshot", node.name, "--no-wait");
    expect((await cli("snapshot", node.name, "--no-wait")).code).toBe(EXIT.locked);
    await json("jobs", "cancel", jobId);
  });

  test("roll-back shows its plan and writes nothing; another hash is refused; with the plan's it is done", async () => {
    const node = await makeNode();
    const snapshot = await makeSnapshot(node.name);
    const jobsBefore = await database().job.count();
    const shown = await json<{ hash: string; kind: string }>("roll-back", node.name, "--to", snapshot.id);
    expect(shown.kind).toBe("restore-node");
    const refused = await cli("roll-back", node.name, "--to", snapshot.id, "--apply", "another");
    expect(refused).toMatchObject({ code: EXIT.refused, stderr: expect.stringContaining(shown.hash) });
    expect(await database().job.count()).toBe(jobsBefore);
    const applying = cli("roll-back", node.name, "--to", snapshot.id, "--apply", shown.hash);
    await endJob("restore_node", "succeeded");
    expect(await applying).toMatchObject({ code: 0, stdout: expect.stringMatching(/succeeded/) });
    expect((await cli("roll-back", node.name, "--to", "yesterday-ish")).code).toBe(EXIT.usage);
  });

  test("roll-back of a classroom to a moment is confirmed by its name", async () => {
    const room = await makeGroup();
    const node = await makeNode(room.id);
    await makeSnapshot(node.name, new Date(Date.now() - 60_000));
    const moment = new Date().toISOString();
    const applying = cli("roll-back", `classroom:${room.name}`, "--to", moment, "--yes");
    await endJob("roll_back_classroom", "succeeded");
    expect((await applying).code).toBe(0);
  });
});

test("variables are set, shown without secrets, and imported as they were shown or not at all", async () => {
  for (const name of ["printer", "licence"]) {
    const isSecret = name === "licence";
    await database().variableName.create({ data: { name, isSecret } });
  }
  const [first = { id: "", name: "" }, second = { id: "", name: "" }] = nodes;
  const set = await json("variables", "set", "printer=hall", "licence=ABC", "--node", first.name);
  expect(set).toMatchObject({ isApplied: true, changes: [{ name: "printer" }, { name: "licence" }] });
  const dry = await cli("variables", "set", "printer=attic", "--everywhere", "--dry-run");
  expect(dry).toMatchObject({ code: 0, stdout: expect.stringContaining("Nothing was changed.") });
  expect((await cli("variables", "set", "printer=x")).code).toBe(EXIT.usage);

  const got = await cli("variables", "get", "--node", first.name);
  expect(got.stdout).toContain("hall");
  expect(got.stdout).toContain(SECRET_MASK);
  expect(got.stdout).not.toContain("ABC");

  const file = join(folder, "values.csv");
  await writeFile(file, `pc,printer\n${second.name},cellar\n`);
  const shown = await json<{ digest: string; isApplied: boolean }>("variables", "import", file);
  expect(shown.isApplied).toBe(false);
  expect((await cli("variables", "import", file, "--apply", "another")).code).toBe(EXIT.refused);
  expect(await json("variables", "import", file, "--apply", shown.digest)).toMatchObject({ isApplied: true });
  await writeFile(file, "pc,printer\npc-nowhere,cellar\n");
  expect(await cli("variables", "import", file)).toMatchObject({
    code: EXIT.usage,
    stdout: expect.stringContaining("Line 2"),
  });
});
