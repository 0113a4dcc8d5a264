// Variables and identity files against a real database. Throughout, a secret is searched for in everything that leaves.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { unseal } from "#lib/auth/sealed.ts";
import { database } from "#lib/db/client.ts";
import { approveNode } from "#lib/db/nodes.ts";
import { makeGroup, makeNode, unique } from "#lib/db/test-rows.ts";
import { createTestDatabase, type TestDatabase } from "#lib/db/testing.ts";
import { listIdentityFiles, listVariableNames, listVariables, readVariables } from "#lib/db/variables.ts";
import { SECRET_MASK, type ValueWish } from "#lib/model/variable-grid.ts";
import { exportVariables } from "#lib/queries/api/export-variables.ts";
import { listVariablesForApi } from "#lib/queries/api/list-variables.ts";
import { changeVariable, defineVariable, removeVariable } from "./define-variable.ts";
import { generateValues } from "./generate-values.ts";
import { changeIdentityFile, createIdentityFile, removeIdentityFile } from "./identity-files.ts";
import { importVariables } from "./import-variables.ts";
import { setVariables } from "./set-variables.ts";

let db: TestDatabase;
const OPERATOR = { id: "user_operator", name: "O", email: "o@example.org", role: "operator" as const };
const VIEWER = { ...OPERATOR, role: "viewer" as const };
const HUSH = "HUSH-1234-5678";

const secretBefore = process.env.BETTER_AUTH_SECRET;

beforeAll(async () => {
  process.env.BETTER_AUTH_SECRET = "a secret of these tests, long enough to be one";
  db = await createTestDatabase();
});
afterAll(async () => {
  await db.drop();
  if (secretBefore === undefined) delete process.env.BETTER_AUTH_SECRET;
  else process.env.BETTER_AUTH_SECRET = secretBefore;
});

let nameCount = 0;
async function newName(more: object = {}): Promise<string> {
  nameCount += 1;
  return (await defineVariable(OPERATOR, { name: `v${nameCount}`, ...more })).name;
}

async function room(pcCount: number) {
  const group = await makeGroup();
  const nodes = [];
  for (let seat = 1; seat <= pcCount; seat += 1) {
    const { id, name } = await makeNode(group.id);
    await approveNode(id, { name, groupId: group.id, seat });
    nodes.push({ id, name });
  }
  return { group, nodes };
}

const forNode = (name: string, scopeId: string, value: string | null): ValueWish => ({
  ...{ name, scope: "node", scopeId, value },
});
const set = (...values: ValueWish[]) => setVariables(OPERATOR, { values });
const storedValue = async (name: string, scopeId: string) =>
  (await listVariables()).find((variable) => variable.name === name && variable.scopeId === scopeId) ?? null;

/** Everything that pages, the API, the export and the audit trail would show. */
async function everythingShown(): Promise<string> {
  const audit = await database().auditEvent.findMany();
  return JSON.stringify([
    await listVariablesForApi(VIEWER, null),
    await exportVariables(VIEWER, null),
    await listVariableNames(),
    audit.map(({ action, subject, facts }) => [action, subject, facts]),
  ]);
}

async function refused(work: Promise<unknown>, code: string): Promise<string> {
  try {
    await work;
  } catch (thrown) {
    expect(thrown).toMatchObject({ code });
    return `${thrown} ${JSON.stringify(thrown)}`;
  }
  throw new Error(`It was not refused with ${code}.`);
}

describe("names", () => {
  test("host_name and ip_address are unique unless it is said otherwise", async () => {
    expect(await defineVariable(OPERATOR, { name: "host_name" })).toMatchObject({ isUnique: true });
    expect(await defineVariable(OPERATOR, { name: "ip_address", isUnique: false })).toMatchObject({
      isUnique: false,
    });
    expect(await defineVariable(OPERATOR, { name: "gateway", note: " of the room " })).toEqual({
      ...{ name: "gateway", isUnique: false, isSecret: false, note: "of the room" },
    });
  });

  test("are refused twice, misspelt, built in, and to viewers; unknown ones are said to be", async () => {
    await refused(defineVariable(OPERATOR, { name: "gateway" }), "input-invalid");
    for (const name of ["", "Gate", "a-b", "x".repeat(64), "node_name", "seat"])
      await refused(defineVariable(OPERATOR, { name }), "input-invalid");
    await refused(defineVariable(OPERATOR, { name: "note", note: "a\0" }), "input-invalid");
    await refused(defineVariable(VIEWER, { name: "other" }), "not-permitted");
    await refused(changeVariable(OPERATOR, { name: "none" }), "variable-unknown");
    await refused(removeVariable(OPERATOR, { name: "none" }), "variable-unknown");
  });

  test("two at once of one name make one", async () => {
    const wish = () => defineVariable(OPERATOR, { name: "twins" });
    const done = await Promise.allSettled([wish(), wish(), wish()]);
    expect(done.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  test("removed ones take their values with them, but not while a file asks for them", async () => {
    const name = await newName();
    await set({ name, scope: "global", scopeId: "", value: "x" });
    const file = await createIdentityFile(OPERATOR, { path: unique("a"), template: `{{ ${name} }}` });
    await refused(removeVariable(OPERATOR, { name }), "input-invalid");
    await removeIdentityFile(OPERATOR, { fileId: file.id });
    expect(await removeVariable(OPERATOR, { name })).toEqual({ valueCount: 1 });
    expect(await storedValue(name, "")).toBeNull();
  });
});

describe("values", () => {
  test("are set, changed and cleared together, with what they were; what is so already is no change", async () => {
    const name = await newName();
    const { group, nodes } = await room(1);
    const [pc] = nodes;
    const own = forNode(name, pc?.id ?? "", "mine");
    const { changes } = await set(
      { name, scope: "global", scopeId: "", value: "all" },
      { name, scope: "classroom", scopeId: group.id, value: "room" },
      own,
    );
    expect(changes.map(({ owner, from, to }) => [owner, from, to])).toEqual([
      ["All classrooms", null, "all"],
      [group.name, null, "room"],
      [pc?.name, null, "mine"],
    ]);
    expect((await set(own)).changes).toEqual([]);
    const { nodes: rows } = await listVariablesForApi(VIEWER, group.id);
    expect(rows[0]?.cells[name]).toEqual({ value: "mine", isSecret: false, from: "node" });
    await set({ ...own, value: null });
    const after = await listVariablesForApi(VIEWER, group.id);
    expect(after.nodes[0]?.cells[name]).toEqual({ value: "room", isSecret: false, from: "classroom" });
  });

  test("one that is wrong, and none is written", async () => {
    const name = await newName();
    const { nodes } = await room(1);
    const good = forNode(name, nodes[0]?.id ?? "", "good");
    await refused(set(good, forNode("none", nodes[0]?.id ?? "", "x")), "variable-unknown");
    await refused(set(good, forNode(name, "node_none", "x")), "node-unknown");
    await refused(
      set(good, { name, scope: "classroom", scopeId: "group_none", value: "x" }),
      "classroom-unknown",
    );
    await refused(set(good, { name, scope: "global", scopeId: "x", value: "x" }), "input-invalid");
    await refused(set(good, good), "input-invalid");
    await refused(set({ ...good, value: "\u0000" }), "input-invalid");
    await refused(setVariables(VIEWER, { values: [good] }), "not-permitted");
    await refused(setVariables(OPERATOR, { values: [] }), "input-invalid");
    expect(await storedValue(name, good.scopeId)).toBeNull();
  });

  test("a dry run writes nothing and tells which PCs would be the same", async () => {
    const name = await newName({ isUnique: true });
    const { nodes } = await room(3);
    const wishes = nodes.map(({ id }, index) => forNode(name, id, index === 0 ? "A" : "a"));
    const { duplicates, isApplied } = await setVariables(OPERATOR, { values: wishes, dryRun: true });
    expect([duplicates.length, isApplied]).toEqual([1, false]);
    expect(duplicates[0]?.nodeNames.toSorted()).toEqual(nodes.map((node) => node.name).sort());
    expect((await listVariables()).filter((variable) => variable.name === name)).toEqual([]);
    await set(...wishes);
    expect((await listVariablesForApi(VIEWER, null)).duplicates).toContainEqual(duplicates[0]);
    // They were there before: nothing new arises.
    expect(
      (await setVariables(OPERATOR, { values: [forNode(name, nodes[2]?.id ?? "", "A")] })).duplicates,
    ).toEqual([]);
  });

  test("of two hundred PCs with twelve names each are one wish of moments", async () => {
    const names = await Promise.all(Array.from({ length: 12 }, () => newName()));
    const group = await makeGroup();
    const nodes = Array.from({ length: 200 }, () => ({ id: unique("node"), name: unique("pc") }));
    await database().node.createMany({
      data: nodes.map(({ id, name }) => ({
        ...{ id, name, groupId: group.id, lifeCycle: "enrolled" as const },
        ...{ keyHash: unique("key"), enrolmentCode: "AB-12" },
      })),
    });
    const wishes = nodes.flatMap(({ id, name }) => names.map((each) => forNode(each, id, `${name} ${each}`)));
    const began = performance.now();
    expect((await setVariables(OPERATOR, { values: wishes })).changes).toHaveLength(2400);
    const seconds = (performance.now() - began) / 1000;
    console.log(`2400 values in ${seconds.toFixed(2)} s`);
    expect(seconds).toBeLessThan(15);
    expect((await listVariables()).filter(({ scopeId }) => scopeId === nodes[199]?.id)).toHaveLength(12);
    await Promise.all(names.map((name) => removeVariable(OPERATOR, { name })));
  });
});

describe("secrets", () => {
  test("are sealed when set and when their name becomes one, and are never plain again", async () => {
    const [born, made] = [await newName({ isSecret: true }), await newName()];
    const { nodes } = await room(1);
    const nodeId = nodes[0]?.id ?? "";
    await set(forNode(made, nodeId, HUSH), { name: made, scope: "global", scopeId: "", value: HUSH });
    const { changes } = await set(forNode(born, nodeId, HUSH));
    expect(changes[0]).toMatchObject({ from: null, to: SECRET_MASK });
    await changeVariable(OPERATOR, { name: made, isSecret: true });
    for (const [name, scopeId] of [
      [born, nodeId],
      [made, nodeId],
      [made, ""],
    ] as const) {
      const stored = await storedValue(name, scopeId);
      expect(stored?.value).toBeNull();
      expect(stored?.sealed).not.toContain("HUSH");
      expect(unseal(name, stored?.sealed ?? "")).toBe(HUSH);
    }
    await refused(changeVariable(OPERATOR, { name: made, isSecret: false }), "input-invalid");
    const { nodes: rows } = await listVariablesForApi(VIEWER, null);
    const cells = rows.find(({ scopeId }) => scopeId === nodeId)?.cells;
    expect(cells?.[born]).toEqual({ value: null, isSecret: true, from: "node" });
    await set(forNode(born, nodeId, null));
    expect(await storedValue(born, nodeId)).toBeNull();
  });

  test("appear in no view, no export, no audit row, no preview and no refusal", async () => {
    const name = await newName({ isSecret: true, isUnique: true });
    const plain = await newName();
    const { group, nodes } = await room(3);
    const [one, two] = nodes;
    await set(forNode(plain, one?.id ?? "", `${HUSH} while it was none`));
    const said: unknown[] = [];
    said.push(await set(forNode(name, one?.id ?? "", HUSH)));
    // What was plain once must not stay readable in the trail when it becomes a secret.
    said.push(await changeVariable(OPERATOR, { name: plain, isSecret: true }));
    const table = `pc,${name}\n${two?.name},${HUSH}\n`;
    said.push(await importVariables(OPERATOR, { text: table, dryRun: true }));
    said.push(await importVariables(OPERATOR, { text: table, dryRun: false }));
    const pool = { kind: "pool" as const, pool: [HUSH, HUSH, `${HUSH}-9`] };
    const wish = { name, groupId: group.id, how: pool };
    said.push(await generateValues(OPERATOR, { ...wish, dryRun: true }));
    said.push(await generateValues(OPERATOR, { ...wish, dryRun: false }));
    said.push(
      await refused(
        importVariables(OPERATOR, { text: `${table}${two?.name},${HUSH}\n`, dryRun: false }),
        "input-invalid",
      ),
    );
    said.push(
      await refused(
        generateValues(OPERATOR, { ...wish, replace: true, how: { ...pool, pool: [HUSH] }, dryRun: false }),
        "input-invalid",
      ),
    );
    said.push(await refused(set(forNode(name, one?.id ?? "", `${HUSH}\u0000`)), "input-invalid"));
    said.push(await refused(set(forNode(name, one?.id ?? "", HUSH.repeat(1000))), "input-invalid"));
    expect(JSON.stringify(said)).not.toContain("HUSH");
    expect(await everythingShown()).not.toContain("HUSH");
  });
});

describe("an import", () => {
  test("shows what it would change, then does exactly that, once", async () => {
    const name = await newName();
    const { nodes } = await room(2);
    await set(forNode(name, nodes[0]?.id ?? "", "old"));
    const text = `pc;${name}\r\n${nodes[0]?.name};new\r\n${nodes[1]?.name};"two; three"\r\n`;
    const shown = await importVariables(OPERATOR, { text, dryRun: true });
    expect(shown.changes.map(({ from, to }) => [from, to])).toEqual([
      ["old", "new"],
      [null, "two; three"],
    ]);
    expect((await storedValue(name, nodes[0]?.id ?? ""))?.value).toBe("old");
    // Somebody else was quicker.
    await set(forNode(name, nodes[0]?.id ?? "", "other"));
    await refused(importVariables(OPERATOR, { text, dryRun: false, expected: shown.digest }), "plan-changed");
    expect((await storedValue(name, nodes[1]?.id ?? ""))?.value).toBeUndefined();
    const again = await importVariables(OPERATOR, { text, dryRun: true });
    expect(await importVariables(OPERATOR, { text, dryRun: false, expected: again.digest })).toMatchObject({
      isApplied: true,
    });
    expect((await importVariables(OPERATOR, { text, dryRun: true })).changes).toEqual([]);
  });

  test("with a line that cannot be taken changes nothing and names the line", async () => {
    const name = await newName();
    const { nodes } = await room(1);
    const text = `pc,${name}\n${nodes[0]?.name},x\nnobody,y\n`;
    const { problems, changes } = await importVariables(OPERATOR, { text, dryRun: true });
    expect([problems, changes]).toEqual([[{ line: 3, words: 'There is no PC "nobody".' }], []]);
    expect(await refused(importVariables(OPERATOR, { text, dryRun: false }), "input-invalid")).toContain(
      "Line 3",
    );
    expect(await storedValue(name, nodes[0]?.id ?? "")).toBeNull();
    await refused(importVariables(VIEWER, { text, dryRun: true }), "not-permitted");
    await refused(importVariables(OPERATOR, { text: "x".repeat(10_000_000), dryRun: true }), "input-invalid");
    await refused(importVariables(OPERATOR, { text: `pc,${name}\n"`, dryRun: true }), "input-invalid");
  });

  test("reads back what the export wrote", async () => {
    const name = await newName();
    const { group, nodes } = await room(3);
    const values = ["=1+1", 'a "b", c', "two\nlines"];
    await set(...nodes.map(({ id }, index) => forNode(name, id, values[index] ?? "")));
    const { text } = await exportVariables(VIEWER, group.id);
    expect((await importVariables(OPERATOR, { text, dryRun: true })).changes).toEqual([]);
    await set(...nodes.map(({ id }) => forNode(name, id, null)));
    await importVariables(OPERATOR, { text, dryRun: false });
    for (const [index, { id }] of nodes.entries())
      expect((await storedValue(name, id))?.value).toBe(values[index]);
  });
});

describe("generated values", () => {
  const apply = (wish: object) =>
    generateValues(OPERATOR, { dryRun: false, ...wish } as Parameters<typeof generateValues>[1]);

  test("by pattern follow the seats, and leave alone PCs that have a value", async () => {
    const name = await newName({ isUnique: true });
    const { group, nodes } = await room(3);
    await set(forNode(name, nodes[1]?.id ?? "", "KEEP"));
    const wish = { name, groupId: group.id, how: { kind: "pattern", pattern: "LAB-{seat:02}" } };
    const shown = await apply({ ...wish, dryRun: true });
    expect(shown.changes.map(({ to }) => to)).toEqual(["LAB-01", "LAB-03"]);
    expect([shown.keptCount, shown.pool]).toEqual([1, null]);
    expect((await apply({ ...wish, replace: true, expected: undefined })).changes).toHaveLength(3);
    expect((await storedValue(name, nodes[1]?.id ?? ""))?.value).toBe("LAB-02");
    await refused(apply({ ...wish, expected: shown.digest }), "plan-changed");
    await refused(apply({ ...wish, how: { kind: "pattern", pattern: "{oops}" } }), "input-invalid");
  });

  test("from a range leave out what any PC of any room has, with or without a length", async () => {
    const name = await newName({ isUnique: true });
    const [left, right] = [await room(1), await room(2)];
    await set(forNode(name, left.nodes[0]?.id ?? "", "10.1.0.11/24"));
    const how = { kind: "range", range: "10.1.0.10-10.1.0.12/24" };
    const { changes } = await apply({ name, groupId: right.group.id, how });
    expect(changes.map(({ to }) => to)).toEqual(["10.1.0.10/24", "10.1.0.12/24"]);
    // Once more over the same PCs: their own addresses are theirs to give again.
    expect((await apply({ name, groupId: right.group.id, how, replace: true })).changes).toEqual([]);
    await refused(
      apply({ name, groupId: left.group.id, how, replace: true, nodeIds: ["x"] }),
      "input-invalid",
    );
    await refused(apply({ name, nodeIds: ["node_none"], how }), "node-unknown");
    await refused(apply({ name, groupId: "group_none", how }), "classroom-unknown");
    await refused(apply({ name: "none", groupId: left.group.id, how }), "variable-unknown");
  });

  test("from a pool count what is left, over all rooms, also of secrets", async () => {
    const name = await newName({ isSecret: true });
    const [left, right] = [await room(2), await room(2)];
    const pool = Array.from({ length: 5 }, (_, index) => `KEY-${index}`);
    const how = { kind: "pool", pool: ["", ...pool, " "] };
    const first = await apply({ name, groupId: left.group.id, how });
    expect(first.pool).toEqual({ size: 5, left: 3 });
    const some = await apply({ name, nodeIds: [right.nodes[1]?.id ?? ""], how });
    expect(some.pool).toEqual({ size: 5, left: 2 });
    const keys = (await listVariables()).filter((variable) => variable.name === name);
    expect(keys.map(({ sealed }) => unseal(name, sealed ?? "")).sort()).toEqual(["KEY-0", "KEY-1", "KEY-2"]);
    await refused(
      apply({ name, groupId: right.group.id, how: { kind: "pool", pool: pool.slice(0, 3) } }),
      "input-invalid",
    );
    await refused(
      generateValues(VIEWER, { name, groupId: left.group.id, how: { kind: "pool", pool }, dryRun: true }),
      "not-permitted",
    );
  });

  test("two rooms filled from one pool at once share no value", async () => {
    const name = await newName({ isUnique: true });
    const rooms = [await room(2), await room(2)];
    const how = { kind: "pool", pool: ["a", "b", "c", "d"] };
    await Promise.all(rooms.map(({ group }) => apply({ name, groupId: group.id, how })));
    const given = (await listVariables())
      .filter((variable) => variable.name === name)
      .map(({ value }) => value);
    expect(given.sort()).toEqual(["a", "b", "c", "d"]);
  });
});

describe("identity files", () => {
  const create = (path: string, template = "", groupId = "") =>
    createIdentityFile(OPERATOR, { path, template, groupId });

  test("are added for all or for a classroom, changed and removed", async () => {
    const name = await newName();
    const { group } = await room(1);
    const folder = unique("etc");
    const file = await create(`${folder}/a.conf`, `x={{${name}}} on {{node_name}}\r\n`);
    await create(`${folder}/a.conf`, "y", group.id);
    await changeIdentityFile(OPERATOR, { fileId: file.id, path: `${folder}/b.conf`, template: "{{ seat }}" });
    const mine = (await listIdentityFiles()).filter(({ path }) => path.startsWith(folder));
    expect(mine.map(({ path, groupId }) => [path, groupId])).toEqual([
      [`${folder}/a.conf`, group.id],
      [`${folder}/b.conf`, ""],
    ]);
    await removeIdentityFile(OPERATOR, { fileId: file.id });
    await refused(removeIdentityFile(OPERATOR, { fileId: file.id }), "input-invalid");
  });

  test("are refused with paths a volume cannot hold, and beside one another where they cannot be", async () => {
    for (const path of [
      "",
      "/etc/a",
      "a/../b",
      "a//b",
      "a:b",
      "a\\b",
      "a.",
      "a/",
      "a\0",
      "x".repeat(256),
      `${"a/".repeat(10)}a`,
    ])
      await refused(create(path), "input-invalid");
    const path = unique("file");
    await create(path);
    await refused(create(path.toUpperCase()), "input-invalid");
    await refused(create(`${path}/below`), "input-invalid");
    const { group } = await room(1);
    await refused(create(`${path}/below`, "", group.id), "input-invalid");
    await refused(create(unique("file"), "", "group_none"), "classroom-unknown");
    await refused(createIdentityFile(VIEWER, { path: unique("file"), template: "" }), "not-permitted");
  });

  test("are refused with names nobody defined, and when they are no small text", async () => {
    const path = unique("file");
    expect(await refused(create(path, "{{nobody}}"), "variable-unknown")).toContain("nobody");
    await refused(create(path, "{{}}"), "variable-unknown");
    await refused(create(path, "a\0b"), "input-invalid");
    await refused(create(path, "ä".repeat(40_000)), "input-invalid");
    await create(path, "x".repeat(64 * 1024));
  });

  test("leave nothing of what is in them in the audit trail", async () => {
    await create(unique("file"), "password=HUSH-in-a-file");
    const audit = await database().auditEvent.findMany({ where: { action: "create-identity-file" } });
    expect(JSON.stringify(audit.map(({ facts }) => facts))).not.toContain("HUSH");
    expect(audit.length).toBeGreaterThan(0);
  });
});

test("every change leaves one row in the audit trail that says who, what and how many", async () => {
  const name = await newName();
  const { nodes } = await room(2);
  await set(...nodes.map(({ id }) => forNode(name, id, "x")));
  const row = await database().auditEvent.findFirst({
    where: { action: "set-variables" },
    orderBy: { id: "desc" },
  });
  expect(row).toMatchObject({ actor: OPERATOR.id, facts: { valueCount: 2, clearedCount: 0, names: name } });
  expect((await readVariables()).names.map((known) => known.name)).toContain(name);
});
