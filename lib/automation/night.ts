// One look at the night, at a given moment: what is due is fired, what is open moves on, what is late is told, what is to be sent is sent.
// Each concern by itself, so that a run that cannot go on does not hold up the others. The worker looks every few seconds.
import { isDatabaseUnavailable } from "#lib/db/client.ts";
import { openRuns } from "#lib/db/schedule-runs.ts";
import { advanceRun } from "./advance-run.ts";
import { alarmMissed, raiseAlarms } from "./alarms.ts";
import { deliverDue } from "./deliver.ts";
import { makeDigestWhenDue } from "./digest.ts";
import { fireDue } from "./fire-due.ts";

export type NightLog = (level: "info" | "warn" | "error", line: string) => void;

export async function lookAtNight(nowMs: number, log: NightLog): Promise<void> {
  for (const fired of await fireDue(nowMs)) {
    const { schedule, due, runId } = fired;
    log(
      "info",
      `${runId} of "${schedule.name}"${due.skippedBecause === null ? "" : ` skipped: ${due.skippedBecause}`}`,
    );
    if (due.remark !== null) await alarmMissed(fired, nowMs);
  }
  for (const open of await openRuns()) {
    await byItself(log, `${open.run.id} of "${open.schedule.name}"`, () => advanceRun(open, nowMs));
  }
  await byItself(log, "alarms", () => raiseAlarms(nowMs));
  await byItself(log, "the digest", async () => {
    const day = await makeDigestWhenDue(nowMs);
    if (day !== null) log("info", `The digest of ${day} is made`);
  });
  await byItself(log, "deliveries", () => deliverDue(nowMs));
}

async function byItself(log: NightLog, what: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    if (isDatabaseUnavailable(thrown)) throw thrown; // nothing else would go better
    log(
      "error",
      `Trouble with ${what}: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}`,
    );
  }
}
