// What rows say of pins. The repository's files are the truth; rows follow, so that lists can show them.
import { database, inTransaction } from "./client.ts";
import { notify } from "./notify.ts";

export interface RecordedPin {
  readonly reason: string;
  /** Empty when the pin's file cannot be read. */
  readonly pinnedAt: string;
}

/** Null: it is pinned no longer. A snapshot without a row is left alone. */
export async function recordPin(snapshotId: string, pin: RecordedPin | null): Promise<void> {
  const [row] = await database().snapshot.updateManyAndReturn({
    where: { id: snapshotId },
    data: rowOfPin(pin),
    select: { nodeId: true },
  });
  if (row !== undefined) await notify("nodes", row.nodeId);
}

/** All pins of a repository: what else its rows say was pinned is pinned no longer. */
export async function recordPins(
  repositoryId: string,
  pins: ReadonlyMap<string, RecordedPin>,
): Promise<void> {
  await inTransaction(async (tx) => {
    await tx.snapshot.updateMany({
      where: { repositoryId, pinReason: { not: null }, id: { notIn: [...pins.keys()] } },
      data: rowOfPin(null),
    });
    for (const [id, pin] of pins) {
      await tx.snapshot.updateMany({ where: { repositoryId, id }, data: rowOfPin(pin) });
    }
  });
}

function rowOfPin(pin: RecordedPin | null) {
  if (pin === null) return { pinReason: null, pinnedAt: null };
  return { pinReason: pin.reason, pinnedAt: pin.pinnedAt === "" ? null : new Date(pin.pinnedAt) };
}
