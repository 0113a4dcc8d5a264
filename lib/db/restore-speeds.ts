// How fast the last restores were, for estimates in plans.
import type { RestoreSpeed } from "#lib/model/estimate.ts";
import { database } from "./client.ts";

const COUNT_MAX = 100;

/** Of the newest restores that succeeded. */
export async function lastRestoreSpeeds(): Promise<RestoreSpeed[]> {
  const rows = await database().task.findMany({
    where: { kind: "restore", state: "succeeded", startedAt: { not: null }, finishedAt: { not: null } },
    orderBy: { finishedAt: "desc" },
    take: COUNT_MAX,
    select: { startedAt: true, finishedAt: true, totalBytes: true },
  });
  return rows.flatMap(({ startedAt, finishedAt, totalBytes }) =>
    startedAt === null || finishedAt === null
      ? []
      : [{ comparedBytes: Number(totalBytes), seconds: (finishedAt.getTime() - startedAt.getTime()) / 1000 }],
  );
}
