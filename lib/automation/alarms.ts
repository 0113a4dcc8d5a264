// The dead-man alarm: a result that did not come by its time, plus grace, is news even though nothing has failed. Once per run.
// What this cannot see is the server itself being down: then nobody is there to send. docs/schedules.md says what to watch from outside.
import { queueMessage } from "#lib/db/deliveries.ts";
import { markAlarmed, type OpenRun, runsToAlarm } from "#lib/db/schedule-runs.ts";
import { momentInWords } from "#lib/schedule/zone.ts";
import type { Fired } from "./fire-due.ts";

export async function raiseAlarms(nowMs: number): Promise<number> {
  let count = 0;
  for (const open of await runsToAlarm(nowMs)) {
    // The message first: a crash in between finds its subject taken, and not an alarm that nobody heard.
    await queueMessage(overdueMessage(open, nowMs), nowMs);
    if (await markAlarmed(open.run.id, nowMs)) count += 1;
  }
  return count;
}

/** The server was down past a run's time and grace: told when it is back. */
export async function alarmMissed({ runId, schedule, due }: Fired, nowMs: number): Promise<void> {
  if (nowMs - due.plannedForMs <= schedule.graceMinutes * 60_000) return;
  const planned = momentInWords(due.plannedForMs, schedule.timeZone);
  await queueMessage(
    {
      subject: `missed ${runId}`,
      title: `Sheepfold: ${schedule.name} was missed`,
      text: `It was planned for ${planned} (${schedule.timeZone}). ${due.skippedBecause ?? due.remark ?? ""}\n`,
      data: { kind: "missed", runId, scheduleId: schedule.id },
    },
    nowMs,
  );
}

function overdueMessage({ run, schedule }: OpenRun, nowMs: number) {
  const inZone = (ms: number) => `${momentInWords(ms, schedule.timeZone)} (${schedule.timeZone})`;
  const how =
    run.state === "waiting"
      ? `It has not begun. ${run.reason ?? ""}`
      : `It has run since ${inZone(run.beganAtMs ?? nowMs)} and is not done.`;
  const expected = run.expectedAtMs === null ? "" : ` It was expected by ${inZone(run.expectedAtMs)}.`;
  return {
    subject: `alarm ${run.id}`,
    title: `Sheepfold: no result of ${schedule.name}`,
    text: `Planned for ${inZone(run.plannedForMs)}. ${how}${expected}\n`,
    data: { kind: "overdue", runId: run.id, scheduleId: schedule.id },
  };
}
