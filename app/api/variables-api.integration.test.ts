// The routes of variables and identity files, called as Next calls them: bodies in their sizes and forms, who may not, and that a
// program can do the whole round.
import { afterAll, beforeAll, expect, test } from "vitest";
import { createApiToken } from "#lib/auth/api-tokens.ts";
import { makeGroup, makeNode, makeViewer } from "#lib/db/test-rows.ts";
import { createTestDatabase, type TestDatabase } from "#lib/db/testing.ts";
import { checkEveryAnswer } from "./check-answers.ts";
import { PUT as changeFile, DELETE as removeFile } from "./v1/identity-files/[fileId]/route.ts";
import { POST as addFile, GET as files } from "./v1/identity-files/route.ts";
import { PUT as changeName, DELETE as removeName } from "./v1/variable-names/[name]/route.ts";
import { POST as addName } from "./v1/variable-names/route.ts";
import { GET as exported } from "./v1/variables/export.csv/route.ts";
import { POST as generate } from "./v1/variables/generate/route.ts";
import { POST as importTable } from "./v1/variables/import/route.ts";
import { GET as list, PUT as set } from "./v1/variables/route.ts";

checkEveryAnswer();

const NONE = { params: Promise.resolve({}) };
const of = <Params>(params: Params) => ({ params: Promise.resolve(params) });
let db: TestDatabase;
const tokens: Record<string, string> = {};
const secretBefore = process.env.BETTER_AUTH_SECRET;

beforeAll(async () => {
  process.env.BETTER_AUTH_SECRET = "a secret of these tests, long enough to be one";
  db = await createTestDatabase();
  for (const role of ["viewer", "operator"] as const) {
    tokens[role] = await createApiToken((await makeViewer(role)).id, role);
  }
});
afterAll(async () => {
  await db.drop();
  if (secretBefore === undefined) delete process.env.BETTER_AUTH_SECRET;
  else process.env.BETTER_AUTH_SECRET = secretBefore;
});

function ask(role: string, body?: object | string | Uint8Array<ArrayBuffer>, query = ""): Request {
  const headers = { authorization: `Bearer ${tokens[role] ?? ""}` };
  const url = `http://localhost/api${query}`;
  if (body === undefined) return new Request(url, { headers });
  const isRaw = typeof body === "string" || body instanceof Uint8Array;
  return new Request(url, { method: "POST", headers, body: isRaw ? body : JSON.stringify(body) });
}

test("a program adds names, sets values, imports, generates, exports, and reads what each PC gets", async () => {
  const group = await makeGroup();
  const [one, two] = [await makeNode(group.id), await makeNode(group.id)];
  for (const name of ["host_name", "printer"]) {
    expect((await addName(ask("operator", { name }), NONE)).status).toBe(201);
  }
  expect((await addName(ask("operator", { name: "licence", isSecret: true }), NONE)).status).toBe(201);
  const changed = await changeName(ask("operator", { note: "in the hall" }), of({ name: "printer" }));
  expect(await changed.json()).toMatchObject({ name: "printer", note: "in the hall", isSecret: false });

  const values = [
    { name: "printer", scope: "global", value: "hall" },
    { name: "licence", scope: "node", scopeId: one.id, value: "HUSH" },
  ];
  const dry = await (await set(ask("operator", { values }, "?dryRun=yes"), NONE)).json();
  expect(dry).toMatchObject({ isApplied: false });
  expect(dry.changes).toHaveLength(2);
  expect(await (await set(ask("operator", { values }), NONE)).json()).toMatchObject({ isApplied: true });

  // A German Excel's: semicolons and Windows-1252.
  const table = Buffer.from(`pc;printer\r\n${one.name};Säle\r\n`, "latin1");
  const shown = await (await importTable(ask("operator", new Uint8Array(table), "?dryRun=yes"), NONE)).json();
  expect(shown).toMatchObject({ problems: [], changes: [{ from: null, to: "Säle" }], isApplied: false });
  const applied = await importTable(
    ask("operator", new Uint8Array(table), `?expected=${shown.digest}`),
    NONE,
  );
  expect(await applied.json()).toMatchObject({ isApplied: true });

  const wish = { name: "host_name", groupId: group.id, how: { kind: "pattern", pattern: "PC-{index:02}" } };
  expect(await (await generate(ask("operator", wish), NONE)).json()).toMatchObject({ isApplied: true });

  const { nodes, names, everywhere } = await (
    await list(ask("viewer", undefined, `?groupId=${group.id}`), NONE)
  ).json();
  expect(names).toHaveLength(3);
  expect(everywhere.cells).toEqual({ printer: { value: "hall", isSecret: false, from: "global" } });
  const row = nodes.find(({ scopeId }: { scopeId: string }) => scopeId === one.id);
  expect(row.cells).toMatchObject({
    printer: { value: "Säle", from: "node" },
    licence: { value: null, isSecret: true, from: "node" },
  });
  const file = await exported(ask("viewer", undefined, `?groupId=${group.id}`), NONE);
  expect(file.headers.get("x-sheepfold-secrets-left-out")).toBe("licence");
  const text = await file.text();
  expect(text).toContain(`${one.name},PC-0`);
  expect(text).toContain(two.name);
  expect(text).not.toContain("HUSH");
  expect(await (await removeName(ask("operator", {}), of({ name: "licence" }))).json()).toEqual({
    valueCount: 1,
  });
});

test("a program adds, changes, lists and removes identity files", async () => {
  const made = await addFile(ask("operator", { path: "etc/motd", template: "{{node_name}}" }), NONE);
  expect(made.status).toBe(201);
  const { id } = await made.json();
  const change = { path: "etc/motd", template: "x".repeat(64 * 1024) };
  expect((await changeFile(ask("operator", change), of({ fileId: id }))).status).toBe(200);
  const { items } = await (await files(ask("viewer"), NONE)).json();
  expect(items).toMatchObject([{ id, groupId: "", ...change }]);
  expect((await removeFile(ask("operator", {}), of({ fileId: id }))).status).toBe(200);
  expect(await (await files(ask("viewer"), NONE)).json()).toEqual({ items: [], next: null });
});

test("who may not, and what is too large or no text, is told so", async () => {
  const cases: readonly [Promise<Response>, number][] = [
    [addName(ask("viewer", { name: "mine" }), NONE), 403],
    [set(ask("viewer", { values: [{ name: "printer", scope: "global", value: "x" }] }), NONE), 403],
    [importTable(ask("viewer", "pc,printer\n", "?dryRun=yes"), NONE), 403],
    [generate(ask("viewer", {}), NONE), 403],
    [addFile(ask("viewer", { path: "a", template: "" }), NONE), 403],
    [list(ask("nobody"), NONE), 401],
    [exported(ask("nobody"), NONE), 401],
    [importTable(ask("operator", "x".repeat(10 * 1024 * 1024)), NONE), 400],
    [importTable(ask("operator", "\0\0"), NONE), 400],
    [importTable(ask("operator", "pc,printer\n", "?dryRun=perhaps"), NONE), 400],
    [importTable(ask("operator", "pc,printer\n", "?emptyCells=eat"), NONE), 400],
    [set(ask("operator", "{"), NONE), 400],
    [set(ask("operator", "null"), NONE), 400],
    [generate(ask("operator", "[]"), NONE), 400],
    [list(ask("viewer", undefined, "?groupId=group_none"), NONE), 404],
  ];
  for (const [answer, status] of cases) expect((await answer).status).toBe(status);
});
