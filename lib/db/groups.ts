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

/** The same id and name again is the same classroom: a repeated request. */
export async function createGroup(name: string, id = newId("group", systemRandom)): Promise<Group> {
  return inTransaction(async (tx) => {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtext('sheepfold groups'))`;
    const taken = await tx.group.findUnique({ where: { name }, select: FIELDS });
    if (taken?.id === id) return taken;
    if (taken !== null) {
      throw new CodedError("input-invalid", `There is a classroom named ${name} already.`, {
        hint: "Choose another name.",
      });
    }
    return tx.group.create({ data: { id, name }, select: FIELDS });
  });
}

export async function findGroup(groupId: string): Promise<Group | null> {
  return database().group.findUnique({ where: { id: groupId }, select: FIELDS });
}

export async function requireGroup(groupId: string): Promise<Group> {
  const group = await findGroup(groupId);
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

/** The same id again finds the first row: a repeated request. */
export async function createEnrolmentKey(wish: {
  readonly id?: string;
  readonly name: string;
  readonly secretHash: string;
  readonly groupId: string | null;
  readonly expiresAt: Date | null;
}): Promise<{ readonly created: boolean; readonly name: string; readonly groupId: string | null }> {
  const key = { ...wish, id: wish.id ?? newId("key", systemRandom) };
  const { count } = await database().enrolmentKey.createMany({ data: [key], skipDuplicates: true });
  if (count > 0) return { created: true, name: key.name, groupId: key.groupId };
  const first = await database().enrolmentKey.findUniqueOrThrow({ where: { id: key.id } });
  return { created: false, name: first.name, groupId: first.groupId };
}

export async function revokeEnrolmentKey(keyId: string): Promise<void> {
  await database().enrolmentKey.updateMany({
    where: { id: keyId, revokedAt: null },
    data: { revokedAt: new Date() },
  });
}
