// What the settings pages list: people, a person's API tokens, the enrolment keys. Secrets are not in the rows, only hashes,
// and those do not leave either.
import type { Role } from "#lib/model/people.ts";
import { database } from "./client.ts";
import { isoOrNull } from "./view-words.ts";

export interface ApiTokenRow {
  readonly id: string;
  readonly name: string;
  readonly createdAt: string;
  readonly lastUsedAt: string | null;
  readonly revokedAt: string | null;
}

export interface EnrolmentKeyRow {
  readonly id: string;
  readonly name: string;
  readonly groupName: string | null;
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
}

export interface PersonRow {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly role: Role;
  readonly createdAt: string;
  readonly disabledAt: string | null;
  /** When the newest session that still stands was last renewed; null when signed in nowhere. */
  readonly lastSeenAt: string | null;
}

export async function listPersonRows(): Promise<PersonRow[]> {
  const rows = await database().user.findMany({
    orderBy: [{ name: "asc" }, { email: "asc" }],
    include: { sessions: { orderBy: { updatedAt: "desc" }, take: 1, select: { updatedAt: true } } },
  });
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    email: row.email,
    role: row.role,
    createdAt: row.createdAt.toISOString(),
    disabledAt: isoOrNull(row.disabledAt),
    lastSeenAt: isoOrNull(row.sessions[0]?.updatedAt ?? null),
  }));
}

export async function listApiTokenRows(userId: string): Promise<ApiTokenRow[]> {
  const rows = await database().apiToken.findMany({ where: { userId }, orderBy: { createdAt: "desc" } });
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    createdAt: row.createdAt.toISOString(),
    lastUsedAt: isoOrNull(row.lastUsedAt),
    revokedAt: isoOrNull(row.revokedAt),
  }));
}

export async function listEnrolmentKeyRows(): Promise<EnrolmentKeyRow[]> {
  const rows = await database().enrolmentKey.findMany({
    orderBy: { createdAt: "desc" },
    include: { group: { select: { name: true } } },
  });
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    groupName: row.group?.name ?? null,
    createdAt: row.createdAt.toISOString(),
    expiresAt: isoOrNull(row.expiresAt),
    revokedAt: isoOrNull(row.revokedAt),
  }));
}
