// Rows of what PCs are told: written when a plan is applied, read by the gateway when the PC's turn comes, and by pages that say
// whether a PC still holds what it should.
import { systemRandom } from "#lib/model/clock.ts";
import { newId } from "#lib/model/ids.ts";
import type { LocalizationContent, LocalizationSpec, TokenScan } from "#lib/model/localization.ts";
import { database, type Transaction } from "./client.ts";
import { effectiveSnapshotsAt } from "./matrix-views.ts";

export interface NewLocalization {
  readonly digest: string;
  readonly content: LocalizationContent;
}

export async function createLocalization(
  tx: Pick<Transaction, "localization">,
  nodeId: string,
  { digest, content }: NewLocalization,
): Promise<string> {
  const id = newId("loc", systemRandom);
  // Prisma wants its JSON writable; a content is plain data.
  await tx.localization.create({
    data: { id, nodeId, digest, content: JSON.parse(JSON.stringify(content)) },
  });
  return id;
}

export async function findLocalization(id: string): Promise<NewLocalization | null> {
  const row = await database().localization.findUnique({ where: { id } });
  // createLocalization alone writes them.
  return row === null ? null : { digest: row.digest, content: row.content as unknown as LocalizationContent };
}

export interface AppliedLocalization {
  readonly nodeId: string;
  readonly digest: string | null;
  /** What was written last that was not its own: the master. */
  readonly snapshotId: string;
  readonly at: string;
}

/** What each PC holds of what it was told: the last localization before whatever is on its disks now was taken. Null digest: another
 *  PC's snapshot came after it, or it never was. A PC that was rolled back to its own snapshot holds what that snapshot holds. */
export async function appliedLocalizations(
  nodeIds: readonly string[],
): Promise<Map<string, AppliedLocalization>> {
  const now = new Date().toISOString();
  const effective = await effectiveSnapshotsAt(nodeIds, now);
  const snapshots = await database().snapshot.findMany({
    where: { id: { in: [...effective.values()].map(({ snapshotId }) => snapshotId) } },
    select: { id: true, nodeId: true, createdAt: true },
  });
  const own = new Map(snapshots.map((snapshot) => [`${snapshot.nodeId} ${snapshot.id}`, snapshot.createdAt]));
  const moments = nodeIds.map((nodeId) => {
    const held = effective.get(nodeId);
    const taken = held?.by === "restore" ? own.get(`${nodeId} ${held.snapshotId}`) : undefined;
    return taken?.toISOString() ?? now;
  });
  const rows = await database().$queryRaw<
    { nodeId: string; digest: string | null; snapshotId: string; at: Date }[]
  >`
    SELECT w."nodeId", e."digest", e."snapshotId", e."finishedAt" AS "at"
      FROM unnest(${[...nodeIds]}::text[], ${moments}::text[]) AS w("nodeId", "moment")
      CROSS JOIN LATERAL (
        SELECT l."digest", t."snapshotId", t."finishedAt"
          FROM "tasks" t
          JOIN "snapshots" s ON s."id" = t."snapshotId"
          LEFT JOIN "localizations" l ON l."id" = t."localizationId"
         WHERE t."nodeId" = w."nodeId" AND t."state" = 'succeeded'
           AND t."finishedAt" <= (w."moment"::timestamptz AT TIME ZONE 'UTC')
           AND (t."kind" = 'localize' OR (t."kind" = 'restore' AND s."nodeId" <> t."nodeId"))
         ORDER BY t."finishedAt" DESC
         LIMIT 1) e`;
  return new Map(
    rows.map(({ nodeId, digest, snapshotId, at }) => [
      nodeId,
      { nodeId, digest, snapshotId, at: at.toISOString() },
    ]),
  );
}

/** What was declared for a release and found in it, and how its PCs are told apart. */
export interface MasterLocalization {
  readonly releaseId: string;
  readonly masterName: string;
  readonly number: number;
  readonly spec: LocalizationSpec | null;
  readonly scan: TokenScan | null;
  readonly scannedAt: string | null;
}

export async function findMasterLocalization(snapshotId: string): Promise<MasterLocalization | null> {
  const row = await database().release.findUnique({ where: { snapshotId } });
  if (row === null) return null;
  return {
    releaseId: row.id,
    masterName: row.masterName,
    number: row.number,
    // Only setSpec and setScan write them.
    spec: row.spec as LocalizationSpec | null,
    scan: row.scan as TokenScan | null,
    scannedAt: row.scannedAt?.toISOString() ?? null,
  };
}

/** Of the newest release of the master before this one. */
export async function findSpecBefore(masterName: string, number: number): Promise<LocalizationSpec | null> {
  const row = await database().release.findFirst({
    where: { masterName, number: { lt: number } },
    orderBy: { number: "desc" },
    select: { spec: true },
  });
  return (row?.spec ?? null) as LocalizationSpec | null; // only setSpec writes it
}

export async function setSpec(releaseId: string, spec: LocalizationSpec): Promise<void> {
  await database().release.updateMany({
    where: { id: releaseId },
    data: { spec: JSON.parse(JSON.stringify(spec)) },
  });
}

/** False when the release was withdrawn meanwhile. */
export async function setScan(snapshotId: string, scan: TokenScan): Promise<boolean> {
  const { count } = await database().release.updateMany({
    where: { snapshotId },
    data: { scan: JSON.parse(JSON.stringify(scan)), scannedAt: new Date() },
  });
  return count > 0;
}
