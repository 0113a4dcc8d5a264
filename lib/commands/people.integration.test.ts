// Commands on people's accounts, on a real database and with better-auth's own sign-in: who gets in, who no more, and that an
// administrator always remains.
import { afterAll, beforeAll, expect, test } from "vitest";
import { auth } from "#lib/auth/auth.ts";
import { ensureAdmin } from "#lib/auth/bootstrap-admin.ts";
import { type Viewer, viewerFromRequest } from "#lib/auth/request-viewer.ts";
import { database } from "#lib/db/client.ts";
import { makeViewer, unique } from "#lib/db/test-rows.ts";
import { createTestDatabase, type TestDatabase } from "#lib/db/testing.ts";
import { createApiTokenRow, findActiveUser } from "#lib/db/users.ts";
import { forgetEnvironment } from "#lib/env.ts";
import { changeRole } from "./change-role.ts";
import { createUser } from "./create-user.ts";
import { resetPassword } from "./reset-password.ts";
import { setSignIn } from "./set-sign-in.ts";

let db: TestDatabase;
let admin: Viewer;
const secretBefore = process.env.BETTER_AUTH_SECRET;

beforeAll(async () => {
  process.env.BETTER_AUTH_SECRET = "only for these tests, 32 characters and more";
  forgetEnvironment();
  db = await createTestDatabase();
  const first = await ensureAdmin();
  const row = await database().user.findUniqueOrThrow({ where: { email: first?.email ?? "" } });
  admin = { id: row.id, name: row.name, email: row.email, role: row.role };
});
afterAll(async () => {
  await db.drop();
  process.env.BETTER_AUTH_SECRET = secretBefore;
  forgetEnvironment();
});

/** The session's cookie, or better-auth's code for why there is none. */
async function signIn(email: string, password: string): Promise<{ cookie: string } | { refused: string }> {
  const response = await auth().api.signInEmail({ body: { email, password }, asResponse: true });
  if (response.ok) return { cookie: response.headers.get("set-cookie")?.split(";")[0] ?? "" };
  return { refused: ((await response.json()) as { code: string }).code };
}

async function viewerOf(signedIn: Awaited<ReturnType<typeof signIn>>): Promise<Viewer | null> {
  if ("refused" in signedIn) throw new Error(`Signing in was refused: ${signedIn.refused}`);
  return viewerFromRequest(new Headers({ cookie: signedIn.cookie }));
}

async function addPerson(role: Viewer["role"] = "operator") {
  const email = `${unique("person")}@example.org`;
  return { email, ...(await createUser(admin, { name: "Person", email, role })) };
}

const NOT_FOR_OPERATORS: readonly [string, (who: Viewer) => Promise<unknown>][] = [
  ["createUser", (who) => createUser(who, { name: "n", email: "e@example.org", role: "admin" })],
  ["changeRole", (who) => changeRole(who, { userId: who.id, role: "admin" })],
  ["setSignIn", (who) => setSignIn(who, { userId: admin.id, signIn: "disabled" })],
  ["resetPassword", (who) => resetPassword(who, { userId: admin.id })],
];
for (const [name, call] of NOT_FOR_OPERATORS) {
  test(`neither viewer nor operator may ${name}`, async () => {
    for (const role of ["viewer", "operator"] as const) {
      await expect(call(await makeViewer(role))).rejects.toMatchObject({ code: "not-permitted" });
    }
  });
}

test("a person who was added signs in with the password that was shown, with the role that was chosen", async () => {
  const person = await addPerson("operator");
  expect(await viewerOf(await signIn(person.email, person.password))).toMatchObject({
    id: person.id,
    role: "operator",
  });
  expect(await signIn(person.email, `${person.password}x`)).toEqual({
    refused: "INVALID_EMAIL_OR_PASSWORD",
  });
});

test("an address is taken once, in whatever case; what is no address or no role is refused", async () => {
  const person = await addPerson();
  const add = (email: string, role = "viewer") =>
    createUser(admin, { name: "Again", email, role: role as "viewer" });
  await expect(add(person.email.toUpperCase())).rejects.toMatchObject({
    code: "input-invalid",
    message: expect.stringContaining("Person"),
  });
  await expect(add("nobody")).rejects.toMatchObject({ code: "input-invalid" });
  await expect(add("someone@example.org", "owner")).rejects.toMatchObject({ code: "input-invalid" });
});

test("a changed role counts at the next request of an open session", async () => {
  const person = await addPerson("viewer");
  const session = await signIn(person.email, person.password);
  await changeRole(admin, { userId: person.id, role: "operator" });
  expect(await viewerOf(session)).toMatchObject({ role: "operator" });
});

test("a disabled person is out at once, session and API token alike, and back in when enabled", async () => {
  const person = await addPerson();
  const session = await signIn(person.email, person.password);
  const token = unique("shf_token");
  await createApiTokenRow({ userId: person.id, name: "script", secret: token });
  const byToken = () => viewerFromRequest(new Headers({ authorization: `Bearer ${token}` }));
  expect(await viewerOf(session)).not.toBeNull();
  expect(await byToken()).not.toBeNull();
  await setSignIn(admin, { userId: person.id, signIn: "disabled" });
  expect(await viewerOf(session)).toBeNull();
  expect(await byToken()).toBeNull();
  expect(await signIn(person.email, person.password)).toEqual({ refused: "SIGN_IN_DISABLED" });
  // Somebody who guesses does not learn that the account exists.
  expect(await signIn(person.email, "a wrong password")).toEqual({ refused: "INVALID_EMAIL_OR_PASSWORD" });
  await setSignIn(admin, { userId: person.id, signIn: "enabled" });
  expect(await viewerOf(session)).toBeNull(); // the old session is gone, not asleep
  expect(await viewerOf(await signIn(person.email, person.password))).toMatchObject({ id: person.id });
  expect(await byToken()).toMatchObject({ id: person.id });
});

test("a new password replaces the old one and ends its sessions; one's own is not reset this way", async () => {
  const person = await addPerson();
  const session = await signIn(person.email, person.password);
  const { password } = await resetPassword(admin, { userId: person.id });
  expect(password).not.toBe(person.password);
  expect(await viewerOf(session)).toBeNull();
  expect(await signIn(person.email, person.password)).toEqual({ refused: "INVALID_EMAIL_OR_PASSWORD" });
  expect(await viewerOf(await signIn(person.email, password))).toMatchObject({ id: person.id });
  await expect(resetPassword(admin, { userId: admin.id })).rejects.toMatchObject({ code: "input-invalid" });
});

test("the last administrator is neither demoted nor disabled, and two cannot do it to each other at once", async () => {
  await expect(changeRole(admin, { userId: admin.id, role: "viewer" })).rejects.toMatchObject({
    code: "last-admin",
  });
  await expect(setSignIn(admin, { userId: admin.id, signIn: "disabled" })).rejects.toMatchObject({
    code: "last-admin",
  });
  const person = await addPerson("admin");
  const second: Viewer = { id: person.id, name: "Person", email: person.email, role: "admin" };
  const outcomes = await Promise.allSettled([
    setSignIn(admin, { userId: second.id, signIn: "disabled" }),
    changeRole(second, { userId: admin.id, role: "operator" }),
  ]);
  expect(outcomes.map((outcome) => outcome.status).sort()).toEqual(["fulfilled", "rejected"]);
  const left = await database().user.count({ where: { role: "admin", disabledAt: null } });
  expect(left).toBe(1);
  // For the tests that follow: as it was.
  await database().user.update({ where: { id: admin.id }, data: { role: "admin" } });
});

test("somebody nobody knows has a code of his own", async () => {
  const userId = "user_nobody";
  const unknown = { code: "user-unknown" };
  await expect(changeRole(admin, { userId, role: "viewer" })).rejects.toMatchObject(unknown);
  await expect(setSignIn(admin, { userId, signIn: "disabled" })).rejects.toMatchObject(unknown);
  await expect(resetPassword(admin, { userId })).rejects.toMatchObject(unknown);
  expect(await findActiveUser(userId)).toBeNull();
});

test("each deed leaves an audit row, and none of them a password", async () => {
  const person = await addPerson("viewer");
  await changeRole(admin, { userId: person.id, role: "operator" });
  const { password } = await resetPassword(admin, { userId: person.id });
  await setSignIn(admin, { userId: person.id, signIn: "disabled" });
  await setSignIn(admin, { userId: person.id, signIn: "enabled" });
  const rows = await database().auditEvent.findMany({
    where: { actor: admin.id, subject: person.id },
    orderBy: { id: "asc" },
  });
  expect(rows.map((row) => row.action)).toEqual([
    "create-user",
    "change-role",
    "reset-password",
    "disable-sign-in",
    "enable-sign-in",
  ]);
  const text = JSON.stringify(rows.map((row) => row.facts));
  expect(text).not.toContain(person.password);
  expect(text).not.toContain(password);
});
