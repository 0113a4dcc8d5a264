// Rows of releases: which snapshots are masters, under which name and number, and what is new in each.
import { systemRandom } from "#lib/model/clock.ts";
import { CodedError } from "#lib/model/errors.ts";
import { newId } from "#lib/model/ids.ts";
import { database, inTransaction } from "./client.ts";

export interface Release {
  readonly id: string;
  readonly masterName: string;
  /** 1, 2, … of its master. */
  readonly number: number;
  readonly snapshotId: string;
  readonly note: string;
  readonly createdAt: string;
}

export interface ReleaseView extends Release {
  readonly createdBy: string;
  readonly nodeId: string;
  readonly nodeName: string;
  readonly sizeBytes: number;
}

export interface NewRelease {
  readonly requestId: string;
  readonly masterName: string;
  readonly snapshotId: string;
  readonly note: string;
  readonly createdBy: string;
}

/** The same request again finds its own release. Refuses a snapshot that is one already. */
export async function createReleaseOnce(wish: NewRelease): Promise<{ release: Release; created: boolean }> {
  return inTransaction(async (tx) => {
    // Two releases of one master at once must not take the same number.
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtext('sheepfold releases'))`;
    const before = await tx.release.findFirst({
      where: { OR: [{ requestId: wish.requestId }, { snapshotId: wish.snapshotId }] },
    });
    if (before?.requestId === wish.requestId) return { release: releaseOfRow(before), created: false };
    if (before !== null) {
      throw new CodedError(
        "already-released",
        `The snapshot is release ${before.number} of "${before.masterName}" already.`,
        { hint: "Withdraw that release first, or release another snapshot." },
      );
    }
    const last = await tx.release.findFirst({
      where: { masterName: wish.masterName },
      orderBy: { number: "desc" },
    });
    const data = { id: newId("rel", systemRandom), number: (last?.number ?? 0) + 1, ...wish };
    return { release: releaseOfRow(await tx.release.create({ data })), created: true };
  });
}

/** False when there is none (any more). */
export async function deleteRelease(releaseId: string): Promise<boolean> {
  const { count } = await database().release.deleteMany({ where: { id: releaseId } });
  return count > 0;
}

export async function findRelease(where: { id: string } | { snapshotId: string }): Promise<Release | null> {
  const row = await database().release.findUnique({ where });
  return row === null ? null : releaseOfRow(row);
}

/** By master, the newest release of each first. */
export async function listReleases(): Promise<ReleaseView[]> {
  const rows = await database().release.findMany({
    orderBy: [{ masterName: "asc" }, { number: "desc" }],
    include: { snapshot: { select: { nodeId: true, sizeBytes: true, node: { select: { name: true } } } } },
  });
  const makers = await database().user.findMany({
    where: { id: { in: [...new Set(rows.map(({ createdBy }) => createdBy))] } },
    select: { id: true, name: true },
  });
  const names = new Map(makers.map(({ id, name }) => [id, name]));
  return rows.map((row) => ({
    ...releaseOfRow(row),
    createdBy: names.get(row.createdBy) ?? row.createdBy,
    nodeId: row.snapshot.nodeId,
    nodeName: row.snapshot.node.name,
    sizeBytes: Number(row.snapshot.sizeBytes),
  }));
}

function releaseOfRow(row: Omit<Release, "createdAt"> & { readonly createdAt: Date }): Release {
  const { id, masterName, number, snapshotId, note, createdAt } = row;
  return { id, masterName, number, snapshotId, note, createdAt: createdAt.toISOString() };
}
