// Rows of users: who there is, with which role, and whether they may sign in. Signing in itself, sessions and checking passwords are
// better-auth's business; we hand it hashes as it makes them.
import { systemRandom } from "#lib/model/clock.ts";
import { CodedError } from "#lib/model/errors.ts";
import { newId } from "#lib/model/ids.ts";
import { leavesAnAdmin, type Person, type PersonChange, type Role } from "#lib/model/people.ts";
import { database, inTransaction, type Transaction } from "./client.ts";
import { secretHash } from "./nodes.ts";

export interface UserRow {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly role: Role;
}

const FIELDS = { id: true, name: true, email: true, role: true } as const;

/** Somebody who may sign in: null as well when the account is disabled. */
export async function findActiveUser(userId: string): Promise<UserRow | null> {
  return database().user.findFirst({ where: { id: userId, disabledAt: null }, select: FIELDS });
}

export async function isSignInDisabled(userId: string): Promise<boolean> {
  const row = await database().user.findUnique({ where: { id: userId }, select: { disabledAt: true } });
  return row !== null && row.disabledAt !== null;
}

export async function countUsers(): Promise<number> {
  return database().user.count();
}

/** The first admin with a password as better-auth keeps it; null when somebody exists already. */
export async function createFirstUser(user: {
  readonly email: string;
  readonly name: string;
  readonly passwordHash: string;
}): Promise<string | null> {
  return inTransaction(async (tx) => {
    await lockUsers(tx);
    if ((await tx.user.count()) > 0) return null;
    return createUser(tx, { ...user, role: "admin" });
  });
}

export interface NewUser {
  readonly email: string;
  readonly name: string;
  readonly role: Role;
  readonly passwordHash: string;
}

export async function createUserWithPassword(user: NewUser): Promise<string> {
  return inTransaction(async (tx) => {
    await lockUsers(tx);
    const known = await tx.user.findUnique({ where: { email: user.email }, select: { name: true } });
    if (known === null) return createUser(tx, user);
    throw new CodedError("input-invalid", `${user.email} belongs to ${known.name} already.`, {
      hint: "Use another e-mail address, or change that person's role or password instead.",
    });
  });
}

/** Changes a role or whether somebody may sign in; whoever may not any more is signed out. Refused when no administrator would be
 *  left. One change at a time, or two administrators could each take the other's rights in the same moment. */
export async function changeUser(userId: string, change: PersonChange): Promise<UserRow> {
  return inTransaction(async (tx) => {
    await lockUsers(tx);
    const rows = await tx.user.findMany({ select: { id: true, role: true, disabledAt: true } });
    const people = rows.map(personOf);
    if (!people.some((person) => person.id === userId)) throw unknownUser(userId);
    if (!leavesAnAdmin(people, userId, change)) {
      throw new CodedError("last-admin", "This is the only administrator who can sign in.", {
        hint: "Make somebody else an administrator first.",
      });
    }
    if (change.signInDisabled === true) await tx.session.deleteMany({ where: { userId } });
    return tx.user.update({ where: { id: userId }, data: columnsOf(change), select: FIELDS });
  });
}

/** A new password in place of the old; every session that was opened with the old one ends. */
export async function replacePassword(userId: string, passwordHash: string): Promise<UserRow> {
  return inTransaction(async (tx) => {
    const user = await tx.user.findUnique({ where: { id: userId }, select: FIELDS });
    if (user === null) throw unknownUser(userId);
    const where = { userId, providerId: "credential" };
    await tx.account.updateMany({ where, data: { password: passwordHash } });
    await tx.session.deleteMany({ where: { userId } });
    return user;
  });
}

async function lockUsers(tx: Transaction): Promise<void> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtext('sheepfold users'))`;
}

function personOf(row: {
  readonly id: string;
  readonly role: Role;
  readonly disabledAt: Date | null;
}): Person {
  return { id: row.id, role: row.role, signInDisabled: row.disabledAt !== null };
}

function columnsOf({ role, signInDisabled }: PersonChange) {
  return {
    ...(role === undefined ? {} : { role }),
    ...(signInDisabled === undefined ? {} : { disabledAt: signInDisabled ? new Date() : null }),
  };
}

function unknownUser(userId: string): CodedError {
  return new CodedError("user-unknown", `There is no user ${userId}.`, {
    hint: "Reload the list of people.",
  });
}

async function createUser(tx: Transaction, user: NewUser): Promise<string> {
  const id = newId("user", systemRandom);
  const { email, name, role, passwordHash } = user;
  const account = {
    id: newId("user", systemRandom),
    accountId: id,
    providerId: "credential",
    password: passwordHash,
  };
  await tx.user.create({
    data: { id, email, name, role, emailVerified: true, accounts: { create: account } },
  });
  return id;
}

export async function createApiTokenRow(token: {
  readonly userId: string;
  readonly name: string;
  readonly secret: string;
}): Promise<string> {
  const id = newId("token", systemRandom);
  const { userId, name } = token;
  await database().apiToken.create({ data: { id, userId, name, secretHash: secretHash(token.secret) } });
  return id;
}

/** The user of a token's secret, unless the token is revoked or the user may not sign in; notes at most once a minute that it was used. */
export async function userOfApiToken(secret: string): Promise<UserRow | null> {
  const token = await database().apiToken.findUnique({
    where: { secretHash: secretHash(secret) },
    include: { user: { select: { ...FIELDS, disabledAt: true } } },
  });
  if (token === null || token.revokedAt !== null || token.user.disabledAt !== null) return null;
  if (Date.now() - (token.lastUsedAt?.getTime() ?? 0) > 60_000) {
    await database().apiToken.update({ where: { id: token.id }, data: { lastUsedAt: new Date() } });
  }
  const { disabledAt: _notNeeded, ...user } = token.user;
  return user;
}

export async function revokeApiToken(tokenId: string, userId: string): Promise<void> {
  await database().apiToken.updateMany({
    where: { id: tokenId, userId, revokedAt: null },
    data: { revokedAt: new Date() },
  });
}
