// A client that a public generator makes of the served document does the daily work with it: its types compile against correct calls and
// refuse wrong ones, and what comes back has those types.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import type { Server } from "node:http";
import { join } from "node:path";
import { promisify } from "node:util";
import openapiTypescript, { astToString } from "openapi-typescript";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createApiToken } from "#lib/auth/api-tokens.ts";
import { makeGroup, makeNode, makeViewer } from "#lib/db/test-rows.ts";
import { createTestDatabase, type TestDatabase } from "#lib/db/testing.ts";
import { closeQueue } from "#lib/queue/enqueue.ts";
import { serveRoutes } from "../serve-routes.ts";

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, "../../..");
/** Ignored by git and the compiler; below the checkout, so that the client finds openapi-fetch. */
const SCRATCH = join(ROOT, ".sheepfold");

const CLIENT = `
import createClient from "openapi-fetch";
import type { paths } from "./api.ts";

const [baseUrl = "", token = "", key = ""] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl, headers: { authorization: "Bearer " + token } });

const nodes: { id: string; name: string; online: boolean }[] = [];
for (let cursor: string | undefined; ; ) {
  const { data, error } = await client.GET("/api/v1/nodes", { params: { query: { limit: 1, cursor } } });
  if (data === undefined) throw new Error(error.detail);
  nodes.push(...data.items);
  if (data.next === null) break;
  cursor = data.next;
}

const nodeId = nodes[0]?.id ?? "";
const wish = () =>
  client.POST("/api/v1/nodes/{nodeId}/snapshots", {
    params: { path: { nodeId }, header: { "Idempotency-Key": key } },
    body: { comment: "by a generated client" },
  });
const made = await wish();
const again = await wish();
const jobId = made.data?.jobId ?? "";
const job = await client.GET("/api/v1/jobs/{jobId}", { params: { path: { jobId } } });
const refused = await client.GET("/api/v1/jobs/{jobId}", { params: { path: { jobId: "job_nowhere" } } });
const code: "job-unknown" | undefined = refused.error?.code === "job-unknown" ? refused.error.code : undefined;

// @ts-expect-error There is no such route.
const noRoute = () => client.GET("/api/v1/no-such-route");
// @ts-expect-error A comment is text.
const wrongBody = () => client.POST("/api/v1/nodes/{nodeId}/snapshots", { params: { path: { nodeId } }, body: { comment: 1 } });
// @ts-expect-error A job has no such state.
const wrongState = () => job.data?.state === "asleep";

console.log(JSON.stringify({
  names: nodes.map(({ name }) => name),
  jobs: [jobId, again.data?.jobId],
  state: job.data?.state,
  taskStates: job.data?.tasks.map(({ state }) => state),
  problem: { code, detail: refused.error?.detail, status: refused.response.status },
  unused: [noRoute, wrongBody, wrongState].length,
}));
`;

let db: TestDatabase;
let folder: string;
let served: { origin: string; server: Server };

beforeAll(async () => {
  db = await createTestDatabase();
  await mkdir(SCRATCH, { recursive: true });
  folder = await mkdtemp(join(SCRATCH, "generated-client-"));
  served = await serveRoutes();
});
afterAll(async () => {
  served.server.close();
  await rm(folder, { recursive: true, force: true });
  await closeQueue();
  await db.drop();
});

test("openapi-typescript's client lists PCs page by page, makes a snapshot job once, and reads a problem", async () => {
  const group = await makeGroup();
  const nodes = [await makeNode(group.id), await makeNode(group.id), await makeNode(group.id)];
  const token = await createApiToken((await makeViewer("operator")).id, "generated client");
  const types = await openapiTypescript(new URL("/api/v1/openapi.json", served.origin));
  await writeFile(join(folder, "api.ts"), astToString(types));
  await writeFile(join(folder, "client.ts"), CLIENT);
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(TSCONFIG));
  await run(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "--project", folder]).catch(
    ({ stdout }: { stdout: string }) => expect.fail(`The generated types do not compile: ${stdout}`),
  );
  const { stdout } = await run(process.execPath, [
    join(folder, "client.ts"),
    served.origin,
    token,
    "generated-key",
  ]);
  const said = JSON.parse(stdout);
  expect(said).toMatchObject({
    names: nodes.map(({ name }) => name).sort(),
    state: "queued",
    taskStates: ["waiting"],
    problem: { code: "job-unknown", detail: expect.stringContaining("job_nowhere"), status: 404 },
  });
  expect(said.jobs[0]).toMatch(/^job_/);
  expect(said.jobs[1]).toBe(said.jobs[0]);
});

const TSCONFIG = {
  compilerOptions: {
    ...{ strict: true, noEmit: true, skipLibCheck: true, allowImportingTsExtensions: true },
    ...{ module: "nodenext", target: "es2022", lib: ["es2022", "dom"], types: ["node"] },
  },
  files: ["client.ts"],
};
