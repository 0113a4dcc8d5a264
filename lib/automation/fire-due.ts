// Schedules whose moment has come get their run: written down exactly once, whoever sees it first. A tick from the queue and the sweep by
// the rows' own nextRunAt both come here, so a tick may be late, doubled or lost with the whole of Redis.
import { createRunOnce, dueSchedules } from "#lib/db/schedules.ts";
import type { Schedule } from "#lib/model/schedule.ts";
import { type Due, decideDue } from "#lib/schedule/due.ts";

export interface Fired {
  readonly runId: string;
  readonly schedule: Schedule;
  readonly due: Due;
}

export async function fireDue(nowMs: number): Promise<Fired[]> {
  const fired: Fired[] = [];
  for (const schedule of await dueSchedules(nowMs)) {
    const due = decideDue(schedule, nowMs);
    if (due === null) continue;
    const runId = await createRunOnce(schedule, due, nowMs);
    if (runId !== null) fired.push({ runId, schedule, due });
  }
  return fired;
}
