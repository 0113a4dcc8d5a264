// The command against a small server that answers as the API does: what it asks, in which order, and what it does not ask.
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";

const run = promisify(execFile);
const PROGRAM = join(import.meta.dirname, "../sheepfold.ts");
const PLAN = {
  id: "plan_1",
  hash: "abc123",
  kind: "clone",
  subject: "group_1",
  subjectName: "LAB-A",
  items: [
    {
      nodeName: "pc-1",
      action: "restore",
      reason: null,
      explanation: "It has no snapshot.",
      knownChangedBytes: 1024,
    },
    {
      nodeName: "pc-2",
      action: "skip",
      reason: "offline",
      explanation: "pc-2 is not heard.",
      knownChangedBytes: 0,
    },
  ],
};
let folder: string;
let server: Server;
let asked: { method: string; path: string; token: string | undefined; body: unknown }[];
let jobState: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sheepfold-clone-cli-"));
  await writeFile(join(folder, "token"), "shf_secret\n");
  asked = [];
  jobState = "succeeded";
  server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += String(chunk);
    const body: unknown = text === "" ? null : JSON.parse(text);
    const { method = "", url: path = "", headers } = request;
    asked.push({ method, path, token: headers.authorization, body });
    response.end(JSON.stringify(answerTo(path)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

afterEach(async () => {
  server.close();
  await rm(folder, { recursive: true, force: true });
});

function answerTo(path: string): object {
  if (path === "/api/v1/groups") return { items: [{ id: "group_1", name: "LAB-A" }] };
  if (path === "/api/v1/nodes") return { items: [{ id: "node_1", name: "pc-1" }] };
  if (path === "/api/v1/plans") return PLAN;
  if (path.endsWith("/apply")) return { jobId: "job_1" };
  return {
    id: "job_1",
    state: jobState,
    doneBytes: 1,
    totalBytes: 1,
    tasks: [{ nodeName: "pc-1", state: jobState }],
  };
}

async function cli(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const { port } = server.address() as AddressInfo;
  const where = ["--server", `http://127.0.0.1:${port}`, "--token-file", join(folder, "token")];
  try {
    const done = await run(process.execPath, [PROGRAM, "clone", "snap_1", ...args, ...where]);
    return { code: 0, ...done };
  } catch (thrown) {
    const { code, stdout, stderr } = thrown as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}

const pathsAsked = () => asked.map(({ method, path }) => `${method} ${path}`);

test("without --apply it shows the plan and its hash, and writes nothing", async () => {
  const { code, stdout } = await cli("--to", "classroom:LAB-A");
  expect(code).toBe(0);
  expect(stdout).toMatch(/pc-2 +left out: offline/);
  expect(stdout).toContain("--apply abc123");
  expect(pathsAsked()).toEqual(["GET /api/v1/groups", "POST /api/v1/plans"]);
  expect(asked[1]).toMatchObject({
    token: "Bearer shf_secret",
    body: { kind: "clone", snapshotId: "snap_1", groupId: "group_1" },
  });
});

test("with the plan's hash it applies, with the room's name, and waits for the end", async () => {
  const { code, stdout } = await cli("--to", "classroom:LAB-A", "--apply", "abc123");
  expect(code).toBe(0);
  expect(stdout).toMatch(/pc-1 +succeeded/);
  expect(asked[2]).toMatchObject({
    path: "/api/v1/plans/plan_1/apply",
    body: { planHash: "abc123", confirmName: "LAB-A" },
  });
});

test("another hash stops it before anything is applied", async () => {
  const { code, stderr } = await cli("--to", "pc-1", "--apply", "old");
  expect(code).not.toBe(0);
  expect(stderr).toContain("abc123");
  expect(pathsAsked().some((path) => path.endsWith("/apply"))).toBe(false);
});

test("a job that did not end well is an error; an unknown PC is named with those there are", async () => {
  jobState = "partial";
  expect(await cli("--to", "pc-1", "--yes")).toMatchObject({
    code: expect.any(Number),
    stderr: expect.stringContaining("partial"),
  });
  const unknown = await cli("--to", "pc-9");
  expect(unknown.code).toBe(5);
  expect(unknown.stderr).toContain("pc-1");
});
