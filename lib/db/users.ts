// Rows of users as far as we read and make them ourselves; sessions and passwords are better-auth's business.
import { systemRandom } from "#lib/model/clock.ts";
import { newId } from "#lib/model/ids.ts";
import { database, inTransaction, type Transaction } from "./client.ts";
import { secretHash } from "./nodes.ts";

export const ROLES = ["admin", "operator", "viewer"] as const;
export type Role = (typeof ROLES)[number];

export interface UserRow {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly role: Role;
}

const FIELDS = { id: true, name: true, email: true, role: true } as const;

export async function findUser(userId: string): Promise<UserRow | null> {
  return database().user.findUnique({ where: { id: userId }, select: FIELDS });
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
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtext('sheepfold first user'))`;
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
  return inTransaction((tx) => createUser(tx, user));
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

/** The user of a token's secret; notes at most once a minute that it was used. */
export async function userOfApiToken(secret: string): Promise<UserRow | null> {
  const token = await database().apiToken.findUnique({
    where: { secretHash: secretHash(secret) },
    include: { user: { select: FIELDS } },
  });
  if (token === null || token.revokedAt !== null) return null;
  if (Date.now() - (token.lastUsedAt?.getTime() ?? 0) > 60_000) {
    await database().apiToken.update({ where: { id: token.id }, data: { lastUsedAt: new Date() } });
  }
  return token.user;
}

export async function revokeApiToken(tokenId: string, userId: string): Promise<void> {
  await database().apiToken.updateMany({
    where: { id: tokenId, userId, revokedAt: null },
    data: { revokedAt: new Date() },
  });
}
