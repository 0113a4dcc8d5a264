// What the settings page lists: a person's API tokens and the enrolment keys. Secrets are not in the rows, only hashes,
// and those do not leave either.
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
