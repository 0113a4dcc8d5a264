// The HTTP API's routes, called as Next calls them, on a real database: who gets in, what failures look like, what a repeated
// request means, what the event stream says.
import { randomBytes } from "node:crypto";
import { hashPassword } from "better-auth/crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createApiToken } from "#lib/auth/api-tokens.ts";
import { ensureAdmin } from "#lib/auth/bootstrap-admin.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { chooseDatabase, closeDatabase, database } from "#lib/db/client.ts";
import { notify } from "#lib/db/notify.ts";
import { makeGroup, makeJob, makeNode, makeSnapshot, makeViewer, unique } from "#lib/db/test-rows.ts";
import { createTestDatabase, type TestDatabase } from "#lib/db/testing.ts";
import { createUserWithPassword } from "#lib/db/users.ts";
import { forgetEnvironment } from "#lib/env.ts";
import { closeQueue } from "#lib/queue/enqueue.ts";
import { GET as authGet, POST as authPost } from "./auth/[...all]/route.ts";
import { checkEveryAnswer } from "./check-answers.ts";
import { GET as events } from "./events/route.ts";
import { GET as healthz } from "./healthz/route.ts";
import { GET as readyz } from "./readyz/route.ts";
import { POST as createGroup, GET as listGroups } from "./v1/groups/route.ts";
import { GET as showJob } from "./v1/jobs/[jobId]/route.ts";
import { GET as listJobs } from "./v1/jobs/route.ts";
import { POST as snapshotNode } from "./v1/nodes/[nodeId]/snapshots/route.ts";
import { GET as listNodes } from "./v1/nodes/route.ts";
import { POST as plan } from "./v1/plans/route.ts";
import { GET as listSnapshots } from "./v1/snapshots/route.ts";
import { GET as storage } from "./v1/storage/route.ts";

checkEveryAnswer();

const ORIGIN = "http://localhost:3999";
const NONE = { params: Promise.resolve({}) };

let db: TestDatabase;
let admin: Viewer;
let token: string;
/** Of a session made by e-mail and password. */
let sessionCookie = "";

beforeAll(async () => {
  process.env.APP_URL = ORIGIN;
  process.env.BETTER_AUTH_SECRET = randomBytes(32).toString("hex");
  forgetEnvironment();
  db = await createTestDatabase();
});
beforeAll(async () => {
  const made = await ensureAdmin();
  expect(made).toMatchObject({ email: "admin@sheepfold.local", password: expect.stringMatching(/^\S{20}$/) });
  expect(await ensureAdmin()).toBeNull();
  admin = await makeViewer("admin");
  token = await createApiToken(admin.id, "tests");
});
afterAll(async () => {
  await closeQueue();
  await db.drop();
});

function request(
  path: string,
  options: { method?: string; body?: object; headers?: Record<string, string> } = {},
) {
  const headers = { host: "localhost:3999", ...options.headers };
  const body = options.body === undefined ? undefined : JSON.stringify(options.body);
  return new Request(`${ORIGIN}${path}`, { method: options.method ?? "GET", headers, body });
}

const bearer = (secret = token) => ({ authorization: `Bearer ${secret}` });

async function problemOf(response: Response) {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const problem = await response.json();
  expect(problem).toMatchObject({
    status: response.status,
    code: expect.any(String),
    detail: expect.any(String),
  });
  return { status: response.status, code: problem.code };
}

describe("who gets in", () => {
  test("nobody without a session or a token, nor with a wrong, revoked or malformed one", async () => {
    const revoked = await createApiToken(admin.id, "old");
    await database().apiToken.updateMany({ where: { name: "old" }, data: { revokedAt: new Date() } });
    for (const headers of [
      {},
      bearer("shf_guessed-guessed"),
      bearer(revoked),
      { authorization: "Basic eDp5" },
    ]) {
      const response = await listNodes(request("/api/v1/nodes", { headers }), NONE);
      expect(await problemOf(response)).toEqual({ status: 401, code: "not-signed-in" });
    }
    const stream = await events(request("/api/events"));
    expect(await problemOf(stream)).toEqual({ status: 401, code: "not-signed-in" });
  });

  test("e-mail and password give a session that reads; another site may not use it; nobody signs up", async () => {
    const email = `${unique("teacher")}@example.org`;
    const password = "correct horse battery";
    await createUserWithPassword({
      email,
      name: "T",
      role: "operator",
      passwordHash: await hashPassword(password),
    });
    const json = { "content-type": "application/json", origin: ORIGIN };
    const signIn = (secret: string) =>
      authPost(
        request("/api/auth/sign-in/email", {
          method: "POST",
          headers: json,
          body: { email, password: secret },
        }),
      );
    expect((await signIn("wrong horse battery")).status).toBe(401);
    const signedIn = await signIn(password);
    expect(signedIn.status).toBe(200);
    const cookie = signedIn.headers
      .getSetCookie()
      .map((text) => text.split(";")[0])
      .join("; ");
    sessionCookie = cookie;
    expect(signedIn.headers.getSetCookie().join()).toMatch(/HttpOnly/i);
    expect((await listNodes(request("/api/v1/nodes", { headers: { cookie } }), NONE)).status).toBe(200);
    const foreign = { cookie, origin: "https://evil.example" };
    const plans = await plan(request("/api/v1/plans", { method: "POST", headers: foreign, body: {} }), NONE);
    expect(await problemOf(plans)).toEqual({ status: 403, code: "not-permitted" });
    const signUp = { email: "x@example.org", password, name: "x", role: "admin" };
    const refused = await authPost(
      request("/api/auth/sign-up/email", { method: "POST", headers: json, body: signUp }),
    );
    expect(refused.status).toBeGreaterThanOrEqual(400);
    const session = await authGet(request("/api/auth/get-session", { headers: { cookie } }));
    expect(await session.json()).toMatchObject({ user: { email } });
  });

  test("a role that does not include it gets 403", async () => {
    const viewer = await makeViewer("viewer");
    const headers = bearer(await createApiToken(viewer.id, "t"));
    const body = { name: unique("room") };
    const response = await createGroup(request("/api/v1/groups", { method: "POST", headers, body }), NONE);
    expect(await problemOf(response)).toEqual({ status: 403, code: "not-permitted" });
  });
});

describe("answers", () => {
  test("lists have items, with what programs need", async () => {
    const group = await makeGroup();
    const node = await makeNode(group.id);
    const snapshot = await makeSnapshot(node.name);
    const jobId = await makeJob([node.id]);
    const items = async (response: Response) => (await response.json()).items;
    const get = (path: string) => request(path, { headers: bearer() });
    expect(await items(await listNodes(get("/api/v1/nodes"), NONE))).toContainEqual(
      expect.objectContaining({ id: node.id, name: node.name, groupName: group.name, online: true }),
    );
    expect(await items(await listGroups(get("/api/v1/groups"), NONE))).toContainEqual({
      ...group,
      nodeCount: 1,
    });
    const snapshots = await items(await listSnapshots(get(`/api/v1/snapshots?node=${node.id}`), NONE));
    expect(snapshots).toMatchObject([
      { id: snapshot.id, nodeName: node.name, images: [{ partition: "p1" }] },
    ]);
    expect(await items(await listJobs(get("/api/v1/jobs"), NONE))).toContainEqual(
      expect.objectContaining({ id: jobId, state: "queued" }),
    );
    expect(await items(await storage(get("/api/v1/storage"), NONE))).toMatchObject([{ samples: [] }]);
    const job = await showJob(get(`/api/v1/jobs/${jobId}`), { params: Promise.resolve({ jobId }) });
    expect(await job.json()).toMatchObject({
      id: jobId,
      tasks: [{ nodeId: node.id, state: "waiting", failure: null }],
    });
  });

  test("the same Idempotency-Key finds the same job; another one is refused while the node is busy", async () => {
    const node = await makeNode();
    const ask = (key: string) =>
      snapshotNode(
        request(`/api/v1/nodes/${node.id}/snapshots`, {
          method: "POST",
          headers: { ...bearer(), "idempotency-key": key },
          body: { comment: "c" },
        }),
        { params: Promise.resolve({ nodeId: node.id }) },
      );
    const first = await ask("request-0001");
    expect(first.status).toBe(202);
    expect(await (await ask("request-0001")).json()).toEqual(await first.json());
    expect(await problemOf(await ask("request-0002"))).toEqual({ status: 409, code: "node-busy" });
  });

  test("bad input is a problem that names it", async () => {
    const post = (text: string) =>
      new Request(`${ORIGIN}/api/v1/groups`, { method: "POST", headers: bearer(), body: text });
    for (const text of ["{", "[]", "{}", '{"name":""}', `{"name":"${"x".repeat(100_000)}"}`]) {
      expect(await problemOf(await createGroup(post(text), NONE))).toEqual({
        status: 400,
        code: "input-invalid",
      });
    }
    const limit = await listJobs(request("/api/v1/jobs?limit=-1", { headers: bearer() }), NONE);
    expect(await problemOf(limit)).toEqual({ status: 400, code: "input-invalid" });
    const unknown = { params: Promise.resolve({ jobId: "job_x" }) };
    const job = await showJob(request("/api/v1/jobs/job_x", { headers: bearer() }), unknown);
    expect(await problemOf(job)).toEqual({ status: 404, code: "job-unknown" });
  });
});

describe("events", () => {
  test("a change of a job is told, at most four times a second, and the last word is never lost", async () => {
    const jobId = await makeJob([(await makeNode()).id]);
    const other = await makeJob([(await makeNode()).id]);
    const gone = new AbortController();
    const asked = new Request(`${ORIGIN}/api/events?job=${jobId}`, {
      headers: bearer(),
      signal: gone.signal,
    });
    const response = await events(asked);
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    const told: { id: string; state: string; tasks: unknown[] }[] = [];
    const reading = readEvents(response, (data) => told.push(JSON.parse(data)));
    await expect
      .poll(async () => {
        await notify("jobs", jobId);
        return told.length;
      })
      .toBeGreaterThan(0);
    told.length = 0;
    for (let count = 0; count < 40; count += 1) await notify("jobs", jobId);
    await notify("jobs", other);
    await database().job.update({ where: { id: jobId }, data: { state: "failed" } });
    await notify("jobs", jobId);
    await expect.poll(() => told.at(-1)?.state).toBe("failed");
    expect(told.every((event) => event.id === jobId && event.tasks.length === 1)).toBe(true);
    expect(told.length).toBeLessThan(20);
    gone.abort();
    await reading;
  });
});

describe("with the database away", () => {
  test("the process lives, is not ready, and every route says so as 503", async () => {
    await closeDatabase();
    chooseDatabase("postgres://nobody:x@127.0.0.1:1/none");
    try {
      expect(healthz().status).toBe(200);
      const withCookie = request("/api/v1/nodes", { headers: { cookie: sessionCookie } });
      const signIn = request("/api/auth/sign-in/email", {
        method: "POST",
        headers: { "content-type": "application/json", origin: ORIGIN },
        body: { email: "x@example.org", password: "correct horse battery" },
      });
      const answers = [
        await readyz(),
        await listNodes(request("/api/v1/nodes", { headers: bearer() }), NONE),
        await listNodes(withCookie, NONE),
        await authPost(signIn),
      ];
      for (const answer of answers) {
        expect(await problemOf(answer)).toEqual({ status: 503, code: "database-unavailable" });
      }
    } finally {
      await closeDatabase();
      chooseDatabase(db.url);
    }
    expect((await listNodes(request("/api/v1/nodes", { headers: bearer() }), NONE)).status).toBe(200);
  });
});

async function readEvents(response: Response, onData: (data: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of response.body ?? []) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n\n");
    rest = parts.pop() ?? "";
    for (const part of parts) {
      const data = /^event: job\ndata: (.*)$/.exec(part)?.[1];
      if (data !== undefined) onData(data);
    }
  }
}
