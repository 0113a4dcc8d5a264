// Rows of groups (classrooms) and of enrolment keys.
import { systemRandom } from "#lib/model/clock.ts";
import { CodedError } from "#lib/model/errors.ts";
import { newId } from "#lib/model/ids.ts";
import { database, inTransaction } from "./client.ts";

export interface Group {
  readonly id: string;
  readonly name: string;
}

const FIELDS = { id: true, name: true } as const;

export async function createGroup(name: string): Promise<Group> {
  return inTransaction(async (tx) => {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtext('sheepfold groups'))`;
    const taken = await tx.group.findUnique({ where: { name }, select: FIELDS });
    if (taken !== null) {
      throw new CodedError("input-invalid", `There is a classroom named ${name} already.`, {
        hint: "Choose another name.",
      });
    }
    return tx.group.create({ data: { id: newId("group", systemRandom), name }, select: FIELDS });
  });
}

export async function requireGroup(groupId: string): Promise<Group> {
  const group = await database().group.findUnique({ where: { id: groupId }, select: FIELDS });
  if (group !== null) return group;
  throw new CodedError("classroom-unknown", `There is no classroom ${groupId}.`);
}

export async function listGroups(): Promise<(Group & { readonly nodeCount: number })[]> {
  const rows = await database().group.findMany({
    orderBy: { name: "asc" },
    select: { ...FIELDS, _count: { select: { nodes: { where: { lifeCycle: "enrolled" } } } } },
  });
  return rows.map((row) => ({ id: row.id, name: row.name, nodeCount: row._count.nodes }));
}

export async function createEnrolmentKey(key: {
  readonly name: string;
  readonly secretHash: string;
  readonly groupId: string | null;
  readonly expiresAt: Date | null;
}): Promise<string> {
  const id = newId("key", systemRandom);
  await database().enrolmentKey.create({ data: { id, ...key } });
  return id;
}

export async function revokeEnrolmentKey(keyId: string): Promise<void> {
  await database().enrolmentKey.updateMany({
    where: { id: keyId, revokedAt: null },
    data: { revokedAt: new Date() },
  });
}
