// The routes of schedules, windows, blackouts and notifications, called as Next calls them: the whole round of a program, who may not, and
// what is refused with which words.
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createApiToken } from "#lib/auth/api-tokens.ts";
import { database } from "#lib/db/client.ts";
import { makeGroup, makeNode, makeViewer } from "#lib/db/test-rows.ts";
import { createTestDatabase, type TestDatabase } from "#lib/db/testing.ts";
import { signatureOf } from "#lib/delivery/post.ts";
import { checkEveryAnswer } from "./check-answers.ts";
import { DELETE as removeBlackout } from "./v1/blackouts/[blackoutId]/route.ts";
import { POST as addBlackout, GET as blackouts } from "./v1/blackouts/route.ts";
import { PUT as importCalendar, DELETE as removeCalendar } from "./v1/calendars/[name]/route.ts";
import { PUT as chooseDigest, GET as digest, DELETE as stopDigest } from "./v1/digest/route.ts";
import { PUT as chooseMailServer, GET as mailServer } from "./v1/mail-server/route.ts";
import { DELETE as removeRecipient } from "./v1/recipients/[recipientId]/route.ts";
import { POST as testRecipient } from "./v1/recipients/[recipientId]/test/route.ts";
import { POST as addRecipient, GET as recipients } from "./v1/recipients/route.ts";
import {
  PUT as change,
  DELETE as remove,
  GET as show,
  PATCH as switchOnOff,
} from "./v1/schedules/[scheduleId]/route.ts";
import { GET as runs } from "./v1/schedules/[scheduleId]/runs/route.ts";
import { POST as create, GET as list } from "./v1/schedules/route.ts";
import { DELETE as removeWindow } from "./v1/windows/[windowId]/route.ts";
import { POST as addWindow, GET as windows } from "./v1/windows/route.ts";

checkEveryAnswer();

const NONE = { params: Promise.resolve({}) };
const of = <Params>(params: Params) => ({ params: Promise.resolve(params) });
let db: TestDatabase;
let hook: Server;
const heard: { head: IncomingMessage["headers"]; body: string }[] = [];
let hookStatus = 200;
const tokens: Record<string, string> = {};
const secretBefore = process.env.BETTER_AUTH_SECRET;

beforeAll(async () => {
  process.env.BETTER_AUTH_SECRET = "a secret of these tests, long enough to be one";
  db = await createTestDatabase();
  for (const role of ["viewer", "operator", "admin"] as const) {
    tokens[role] = await createApiToken((await makeViewer(role)).id, role);
  }
  tokens.colleague = await createApiToken((await makeViewer("operator")).id, "colleague");
  hook = createServer((request, response) => {
    let body = "";
    request.on("data", (piece) => {
      body += piece;
    });
    request.on("end", () => {
      heard.push({ head: request.headers, body });
      response
        .writeHead(hookStatus, { location: "http://127.0.0.1:1/elsewhere" })
        .end("the hook's own words");
    });
  });
  await new Promise<void>((resolve) => hook.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  hook.close();
  await db.drop();
  if (secretBefore === undefined) delete process.env.BETTER_AUTH_SECRET;
  else process.env.BETTER_AUTH_SECRET = secretBefore;
});

function ask(
  role: string,
  body?: object,
  method = body === undefined ? "GET" : "POST",
  key?: string,
): Request {
  const headers: Record<string, string> = { authorization: `Bearer ${tokens[role] ?? ""}` };
  if (key !== undefined) headers["idempotency-key"] = key;
  return new Request("http://localhost/api", {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

const nightly = (groupId: string) => ({
  name: "Nightly",
  kind: "snapshot",
  target: { kind: "classroom", groupId },
  parameters: { comment: "by night" },
  cron: "30 2 * * *",
  timeZone: "Europe/Vienna",
});

test("a program makes, shows, changes, switches and removes a schedule", async () => {
  const group = await makeGroup();
  const made = await create(ask("operator", nightly(group.id), "POST", "key-of-nightly"), NONE);
  expect(made.status).toBe(201);
  const { id: scheduleId } = await made.json();
  const again = await create(ask("operator", nightly(group.id), "POST", "key-of-nightly"), NONE);
  expect((await again.json()).id).toBe(scheduleId);

  const shown = await (await show(ask("viewer"), of({ scheduleId }))).json();
  expect(shown).toMatchObject({ enabled: true, forecast: null, newestRun: null, whenClosed: "wait" });
  expect(shown.nextRuns).toHaveLength(3);
  expect(shown.nextRuns[0]).toBe(shown.nextRunAt);
  expect(await (await runs(ask("viewer"), of({ scheduleId }))).json()).toEqual({ items: [] });

  const later = { ...nightly(group.id), cron: "0 5 * * 6", waves: { canaryCount: 2 } };
  expect((await change(ask("colleague", later, "PUT"), of({ scheduleId }))).status).toBe(403);
  const changed = await (await change(ask("operator", later, "PUT"), of({ scheduleId }))).json();
  expect(changed).toMatchObject({
    cron: "0 5 * * 6",
    waves: { canaryCount: 2, waveSize: 0, failPercentMax: 100 },
  });
  const off = await switchOnOff(ask("colleague", { enabled: false }, "PATCH"), of({ scheduleId }));
  expect(await off.json()).toMatchObject({ enabled: false, nextRunAt: null });
  expect((await (await list(ask("viewer"), NONE)).json()).items).toHaveLength(1);
  expect((await remove(ask("colleague", undefined, "DELETE"), of({ scheduleId }))).status).toBe(200);
  expect((await show(ask("viewer"), of({ scheduleId }))).status).toBe(404);
});

test("what a schedule cannot do is refused by name, before any night", async () => {
  const group = await makeGroup();
  const refused = async (role: string, asked: object) => {
    const answer = await create(ask(role, { ...nightly(group.id), ...asked }), NONE);
    const { code, detail } = await answer.json();
    return `${answer.status} ${code} ${detail}`;
  };
  expect(await refused("viewer", {})).toMatch(/^403/);
  expect(
    await refused("operator", { kind: "prune", target: { kind: "repository" }, parameters: {} }),
  ).toMatch(/^403 not-permitted .*prune/);
  expect(await refused("operator", { cron: "* * * * *" })).toMatch(/five minutes apart/);
  expect(await refused("operator", { timeZone: "Mars/Olympus" })).toMatch(/^400 .*timeZone/);
  expect(await refused("operator", { parameters: { coment: "x" } })).toMatch(/^400 .*coment/);
  expect(await refused("operator", { target: { kind: "repository" } })).toMatch(/no use for the target/);
  expect(await refused("operator", { target: { kind: "classroom", groupId: "group_none" } })).toMatch(/^404/);
  const master = { kind: "clone", parameters: { snapshotId: "snap_none" } };
  expect(await refused("operator", master)).toMatch(/^404 snapshot-unknown/);
  const evaluation = { kind: "evaluate", target: { kind: "repository" }, parameters: {} };
  expect(await refused("operator", evaluation)).toMatch(/needs a PC/);
  const node = await makeNode();
  const withPc = { ...nightly(group.id), ...evaluation, parameters: { nodeId: node.id } };
  expect((await create(ask("operator", withPc), NONE)).status).toBe(201);
});

test("windows, blackouts and calendars come and go; a calendar takes the place of the one before", async () => {
  const group = await makeGroup();
  const window = { groupId: group.id, days: [1, 1, 5], fromMinute: 1320, toMinute: 360, timeZone: "UTC" };
  expect((await addWindow(ask("viewer", window), NONE)).status).toBe(403);
  const { id: windowId, days } = await (await addWindow(ask("operator", window), NONE)).json();
  expect(days).toEqual([1, 5]);
  expect((await (await windows(ask("viewer"), NONE)).json()).items).toHaveLength(1);
  await removeWindow(ask("operator", undefined, "DELETE"), of({ windowId }));
  expect((await (await windows(ask("viewer"), NONE)).json()).items).toEqual([]);

  const exams = {
    from: "2030-06-01T08:00",
    to: "2030-06-01T12:00",
    timeZone: "Europe/Vienna",
    reason: "Exams",
  };
  const { id: blackoutId, from } = await (await addBlackout(ask("operator", exams), NONE)).json();
  expect(from).toBe("2030-06-01T06:00:00.000Z");
  const backwards = await addBlackout(ask("operator", { ...exams, to: exams.from }), NONE);
  expect(backwards.status).toBe(400);
  const year = new Date().getUTCFullYear() + 1;
  const text = (count: number) =>
    [
      "BEGIN:VCALENDAR",
      "VERSION:2.0",
      "BEGIN:VEVENT",
      "UID:1",
      "SUMMARY:Holiday",
      `DTSTART;VALUE=DATE:${year}0102`,
      `RRULE:FREQ=DAILY;COUNT=${count}`,
      "END:VEVENT",
      "END:VCALENDAR",
    ].join("\r\n");
  const put = async (count: number) => {
    const asked = ask("operator", { timeZone: "UTC", text: text(count) }, "PUT");
    return (await importCalendar(asked, of({ name: "Holidays" }))).json();
  };
  expect(await put(5)).toEqual({ imported: 5, replaced: 0 });
  expect(await put(3)).toEqual({ imported: 3, replaced: 5 });
  expect((await (await blackouts(ask("viewer"), NONE)).json()).items).toHaveLength(4);
  await removeCalendar(ask("operator", undefined, "DELETE"), of({ name: "Holidays" }));
  await removeBlackout(ask("operator", undefined, "DELETE"), of({ blackoutId }));
  expect((await (await blackouts(ask("viewer"), NONE)).json()).items).toEqual([]);
});

test("a webhook is signed, a push carries its token, redirects are not followed, and no secret is ever shown", async () => {
  const url = `http://127.0.0.1:${(hook.address() as AddressInfo).port}/hook`;
  const add = async (asked: object) => (await addRecipient(ask("admin", asked), NONE)).json();
  expect((await addRecipient(ask("operator", { name: "x", kind: "push", address: url }), NONE)).status).toBe(
    403,
  );
  const webhook = await add({ name: "Hook", kind: "webhook", address: url, secret: "hush" });
  const push = await add({ name: "Push", kind: "push", address: url, secret: "token" });
  for (const address of ["file:///etc/passwd", "ftp://x", "http://name:word@host/", "nonsense"]) {
    const refused = await addRecipient(ask("admin", { name: "Bad", kind: "webhook", address }), NONE);
    expect(refused.status, address).toBe(400);
  }
  const shown = await (await recipients(ask("admin"), NONE)).json();
  expect(JSON.stringify(shown)).not.toMatch(/hush|token"/);
  const rows = await database().recipient.findMany();
  expect(JSON.stringify(rows)).not.toContain("hush");

  const sendTest = async (recipientId: string) => testRecipient(ask("admin", {}), of({ recipientId }));
  expect(await (await sendTest(webhook.id)).json()).toEqual({ answer: "200 OK the hook's own words" });
  const signed = heard.at(-1);
  const timestamp = String(signed?.head["x-sheepfold-timestamp"]);
  expect(signed?.head["x-sheepfold-signature"]).toBe(
    `sha256=${signatureOf("hush", timestamp, signed?.body ?? "")}`,
  );
  expect(JSON.parse(signed?.body ?? "")).toMatchObject({ kind: "test", title: "Sheepfold: a test" });
  await sendTest(push.id);
  expect(heard.at(-1)?.head).toMatchObject({ authorization: "Bearer token", title: "Sheepfold: a test" });
  expect(heard.at(-1)?.body).toContain("asked Sheepfold to send this");

  hookStatus = 302;
  const moved = await sendTest(webhook.id);
  expect(moved.status).toBe(502);
  expect((await moved.json()).detail).toContain("302 Found the hook's own words");
  hookStatus = 500;
  expect((await (await sendTest(push.id)).json()).detail).toContain("500 Internal Server Error");
  expect((await sendTest("recipient_none")).status).toBe(404);
  expect(
    (await removeRecipient(ask("admin", undefined, "DELETE"), of({ recipientId: push.id }))).status,
  ).toBe(200);
});

test("mail server and digest are an administrator's; a password goes on to no other host", async () => {
  const server = {
    host: "mail.example.org",
    port: 587,
    security: "starttls",
    from: "s@example.org",
    user: "u",
  };
  expect((await chooseMailServer(ask("operator", server, "PUT"), NONE)).status).toBe(403);
  const put = async (asked: object) => (await chooseMailServer(ask("admin", asked, "PUT"), NONE)).json();
  expect(await put({ ...server, password: "hush" })).toMatchObject({ mailServer: { hasPassword: true } });
  expect(await put({ ...server, port: 465 })).toMatchObject({ mailServer: { port: 465, hasPassword: true } });
  expect(await put({ ...server, host: "evil.example.org" })).toMatchObject({
    mailServer: { hasPassword: false },
  });
  expect(JSON.stringify(await (await mailServer(ask("admin"), NONE)).json())).not.toContain("hush");
  const chosen = await chooseDigest(ask("admin", { atMinute: 420, timeZone: "Europe/Vienna" }, "PUT"), NONE);
  expect(await chosen.json()).toMatchObject({ digest: { atMinute: 420 } });
  expect(await (await digest(ask("admin"), NONE)).json()).toMatchObject({ lastDigest: null });
  expect(await (await stopDigest(ask("admin", undefined, "DELETE"), NONE)).json()).toEqual({ digest: null });
});
