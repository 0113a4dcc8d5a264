// Lists in pages, requests sent twice and answers already known: what programs rely on when they ask often or lose a connection.
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createApiToken } from "#lib/auth/api-tokens.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { database } from "#lib/db/client.ts";
import { makeGroup, makeJob, makeNode, makeSnapshot, makeViewer, unique } from "#lib/db/test-rows.ts";
import { createTestDatabase, type TestDatabase } from "#lib/db/testing.ts";
import { closeQueue } from "#lib/queue/enqueue.ts";
import { checkEveryAnswer } from "./check-answers.ts";
import { GET as showBandwidth } from "./v1/bandwidth/route.ts";
import { POST as createKey } from "./v1/enrolment-keys/route.ts";
import { POST as createGroup, GET as listGroups } from "./v1/groups/route.ts";
import { POST as createFile, GET as listFiles } from "./v1/identity-files/route.ts";
import { POST as cancelJob } from "./v1/jobs/[jobId]/cancel/route.ts";
import { POST as retryJob } from "./v1/jobs/[jobId]/retry/route.ts";
import { GET as listJobs } from "./v1/jobs/route.ts";
import { GET as showRelease } from "./v1/masters/[releaseId]/route.ts";
import { GET as listMasters, POST as releaseMaster } from "./v1/masters/route.ts";
import { GET as listNodes } from "./v1/nodes/route.ts";
import { GET as openApi } from "./v1/openapi.json/route.ts";
import { POST as plan } from "./v1/plans/route.ts";
import { GET as listSnapshots } from "./v1/snapshots/route.ts";

checkEveryAnswer();

const NONE = { params: Promise.resolve({}) };
const secretBefore = process.env.BETTER_AUTH_SECRET;
let db: TestDatabase;
let admin: Viewer;
let token: string;

beforeAll(async () => {
  process.env.BETTER_AUTH_SECRET = randomBytes(32).toString("hex");
  db = await createTestDatabase();
  admin = await makeViewer("admin");
  token = await createApiToken(admin.id, "tests");
});
afterAll(async () => {
  await closeQueue();
  await db.drop();
  if (secretBefore === undefined) delete process.env.BETTER_AUTH_SECRET;
  else process.env.BETTER_AUTH_SECRET = secretBefore;
});

type Route<Params> = (request: Request, context: { params: Promise<Params> }) => Promise<Response>;

function get(query = "", headers: Record<string, string> = {}): Request {
  return new Request(`http://localhost/api/v1/x${query}`, {
    headers: { authorization: `Bearer ${token}`, ...headers },
  });
}

function post(body: object, key?: string, secret = token): Request {
  const headers = {
    authorization: `Bearer ${secret}`,
    ...(key === undefined ? {} : { "idempotency-key": key }),
  };
  return new Request("http://localhost/api/v1/x", { method: "POST", headers, body: JSON.stringify(body) });
}

/** All items, in pages of two. */
async function readAll(route: Route<object>, query = ""): Promise<{ id: string; name: string }[]> {
  const items: { id: string; name: string }[] = [];
  let cursor = "";
  for (let page = 0; page < 50; page += 1) {
    const response = await route(get(`?limit=2${query}${cursor}`), NONE);
    expect(response.status).toBe(200);
    const answer = await response.json();
    expect(answer.items.length).toBeLessThanOrEqual(2);
    items.push(...answer.items);
    if (answer.next === null) return items;
    cursor = `&cursor=${encodeURIComponent(answer.next)}`;
  }
  return expect.fail("The list never ends.");
}

describe("lists", () => {
  test("jobs and snapshots made in the same millisecond are each seen once, the newest first", async () => {
    const node = await makeNode();
    const jobs: string[] = [];
    for (let count = 0; count < 5; count += 1) jobs.push(await makeJob([(await makeNode()).id]));
    const moment = new Date();
    await database().job.updateMany({ where: { id: { in: jobs } }, data: { createdAt: moment } });
    const snapshots: string[] = [];
    for (let count = 0; count < 5; count += 1) snapshots.push((await makeSnapshot(node.name, moment)).id);
    const seenJobs = (await readAll(listJobs)).map(({ id }) => id).filter((id) => jobs.includes(id));
    expect(seenJobs).toEqual(jobs.toSorted().reverse());
    const seen = await readAll(listSnapshots, `&node=${node.id}`);
    expect(seen.map(({ id }) => id)).toEqual(snapshots.toReversed());
  });

  test("a job that begins while a list is read does not push another onto the next page", async () => {
    const first = await (await listJobs(get("?limit=3"), NONE)).json();
    await makeJob([(await makeNode()).id]);
    const second = await (await listJobs(get(`?limit=3&cursor=${first.next}`), NONE)).json();
    const ids = [...first.items, ...second.items].map(({ id }: { id: string }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("PCs, classrooms, masters and files: all of them, page by page", async () => {
    const group = await makeGroup();
    const nodes = [await makeNode(group.id), await makeNode(group.id), await makeNode(group.id)];
    const seen = await readAll(listNodes, `&group=${group.id}`);
    expect(seen.map(({ name }) => name)).toEqual(nodes.map(({ name }) => name).sort());
    expect((await readAll(listGroups)).map(({ id }) => id)).toContain(group.id);
    for (let count = 0; count < 3; count += 1) {
      const { id: snapshotId } = await makeSnapshot(nodes[0]?.name ?? "");
      const wish = { snapshotId, masterName: "Physics", note: `the ${count}th` };
      const made = await (await releaseMaster(post(wish), NONE)).json();
      const of = { params: Promise.resolve({ releaseId: made.release.id }) };
      expect((await showRelease(get(), of)).status).toBe(200);
    }
    expect(await readAll(listMasters)).toMatchObject([{ number: 3 }, { number: 2 }, { number: 1 }]);
    for (const path of ["a.txt", "b.txt", "c.txt"]) await createFile(post({ path, template: "x" }), NONE);
    expect(await readAll(listFiles)).toMatchObject([{ path: "a.txt" }, { path: "b.txt" }, { path: "c.txt" }]);
  });

  test("a cursor of another list, and a limit that is too large, are refused", async () => {
    const { next } = await (await listJobs(get("?limit=1"), NONE)).json();
    for (const query of [`?cursor=${next}x`, "?cursor=abc", "?limit=0", "?limit=501"]) {
      expect((await listJobs(get(query), NONE)).status).toBe(400);
    }
    expect((await listSnapshots(get(`?cursor=${next}`), NONE)).status).toBe(400);
  });
});

describe("a request sent twice", () => {
  test("makes one classroom, key, file and plan, and is answered alike; the key's secret, too", async () => {
    const node = await makeNode((await makeGroup()).id);
    await makeSnapshot(node.name);
    const wishes: [string, Route<object>, object, object][] = [
      ["group", createGroup, { name: unique("room") }, { name: unique("room") }],
      ["key", createKey, { name: "autumn" }, { name: "spring" }],
      ["file", createFile, { path: "once.txt", template: "x" }, { path: "twice.txt", template: "x" }],
      [
        "plan",
        plan,
        { kind: "restore-node", subjectId: node.id, at: new Date().toISOString() },
        { kind: "clone", snapshotId: (await makeSnapshot(node.name)).id, nodeIds: [node.id] },
      ],
    ];
    for (const [what, route, body, other] of wishes) {
      const key = unique("request");
      const first = await route(post(body, key), NONE);
      expect(first.status, what).toBe(201);
      const made = await first.json();
      expect(await (await route(post(body, key), NONE)).json(), what).toEqual(made);
      expect((await route(post(other, key), NONE)).status, `${what} with another body`).toBe(400);
      const anew = await (await route(post(other), NONE)).json();
      expect(anew.id, what).not.toBe(made.id);
    }
    const audits = await database().auditEvent.groupBy({ by: ["action"], _count: true });
    expect(audits.find(({ action }) => action === "create-enrolment-key")?._count).toBe(2);
  });

  test("another person's same key makes another thing", async () => {
    const secret = await createApiToken((await makeViewer("admin")).id, "other");
    const key = unique("request");
    const mine = await (await createKey(post({ name: "k" }, key), NONE)).json();
    const theirs = await (await createKey(post({ name: "k" }, key, secret), NONE)).json();
    expect(theirs.id).not.toBe(mine.id);
    expect(theirs.secret).not.toBe(mine.secret);
  });

  test("a job is cancelled and retried by the same rules", async () => {
    const jobId = await makeJob([(await makeNode()).id]);
    const of = { params: Promise.resolve({ jobId }) };
    const key = unique("request");
    for (let count = 0; count < 2; count += 1) {
      expect(await (await cancelJob(post({}), of)).json()).toEqual({ jobId, state: "cancelled" });
    }
    const retried = await (await retryJob(post({}, key), of)).json();
    expect(await (await retryJob(post({}, key), of)).json()).toEqual(retried);
    expect((await createGroup(post({ name: unique("room") }, "short"), NONE)).status).toBe(400);
  });
});

test("an answer that the caller has already costs no body; the document is everybody's", async () => {
  const first = await showBandwidth(get(), NONE);
  const etag = first.headers.get("etag") ?? "";
  expect(etag).toMatch(/^"[\w-]{27}"$/);
  for (const known of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
    const again = await showBandwidth(get("", { "if-none-match": known }), NONE);
    expect(again.status).toBe(304);
    expect(await again.text()).toBe("");
  }
  expect((await showBandwidth(get("", { "if-none-match": '"other"' }), NONE)).status).toBe(200);
  const document = openApi(new Request("http://localhost/api/v1/openapi.json"));
  expect(await document.json()).toMatchObject({ openapi: "3.1.0", info: { title: "Sheepfold" } });
});
