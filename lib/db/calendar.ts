// Rows of maintenance windows and blackouts.

import type { Blackout, MaintenanceWindow } from "#lib/model/calendar.ts";
import { systemRandom } from "#lib/model/clock.ts";
import { newId } from "#lib/model/ids.ts";
import { database, inTransaction } from "./client.ts";

export async function listWindows(): Promise<MaintenanceWindow[]> {
  const rows = await database().maintenanceWindow.findMany({
    orderBy: [{ groupId: { sort: "asc", nulls: "first" } }, { createdAt: "asc" }],
  });
  return rows.map(({ id, groupId, days, fromMinute, toMinute, timeZone }) => {
    return { id, groupId, days, fromMinute, toMinute, timeZone };
  });
}

export async function createWindow(
  window: Omit<MaintenanceWindow, "id">,
  createdBy: string,
): Promise<MaintenanceWindow> {
  const id = newId("window", systemRandom);
  await database().maintenanceWindow.create({ data: { ...window, days: [...window.days], id, createdBy } });
  return { id, ...window };
}

/** False: it was gone already. */
export async function removeWindow(id: string): Promise<boolean> {
  const { count } = await database().maintenanceWindow.deleteMany({ where: { id } });
  return count > 0;
}

/** Those that are not over at that moment, in order of time. */
export async function listBlackouts(sinceMs: number): Promise<Blackout[]> {
  const rows = await database().blackout.findMany({
    where: { to: { gt: new Date(sinceMs) } },
    orderBy: [{ from: "asc" }, { id: "asc" }],
  });
  return rows.map(({ id, groupId, from, to, reason, source }) => {
    return { id, groupId, from: from.toISOString(), to: to.toISOString(), reason, source };
  });
}

export async function createBlackout(blackout: Omit<Blackout, "id">, createdBy: string): Promise<Blackout> {
  const id = newId("blackout", systemRandom);
  await database().blackout.create({ data: rowOf(id, blackout, createdBy) });
  return { id, ...blackout };
}

/** What a calendar of that name held before makes way: an import is the whole calendar. */
export async function replaceBlackouts(
  from: { readonly source: string; readonly groupId: string | null },
  blackouts: readonly Omit<Blackout, "id">[],
  createdBy: string,
): Promise<{ readonly removed: number }> {
  return inTransaction(async (tx) => {
    const { count } = await tx.blackout.deleteMany({ where: from });
    await tx.blackout.createMany({
      data: blackouts.map((each) => rowOf(newId("blackout", systemRandom), each, createdBy)),
    });
    return { removed: count };
  });
}

export async function removeBlackout(id: string): Promise<boolean> {
  const { count } = await database().blackout.deleteMany({ where: { id } });
  return count > 0;
}

/** All of one imported calendar. */
export async function removeCalendar(source: string): Promise<number> {
  const { count } = await database().blackout.deleteMany({ where: { source } });
  return count;
}

function rowOf(id: string, blackout: Omit<Blackout, "id">, createdBy: string) {
  return { ...blackout, id, from: new Date(blackout.from), to: new Date(blackout.to), createdBy };
}
