// The night watch: looks at schedules, runs, digests and deliveries every few seconds and at each tick of the queue, and keeps the queue's
// schedulers those of the rows. With Redis away only the ticks are missing: the looks find by the rows what is due.
import { lookAtNight } from "#lib/automation/night.ts";
import { isDatabaseUnavailable } from "#lib/db/client.ts";
import { listSchedules } from "#lib/db/schedules.ts";
import type { Clock } from "#lib/model/clock.ts";
import { openTicks } from "#lib/queue/schedule-ticks.ts";
import { inWords, log } from "./log.ts";

const LOOK_EVERY_MS = 3_000;
/** Changed schedules are known to the queue after this long at the latest. */
const RECONCILE_EVERY_MS = 30_000;

export function startNightWatch(clock: Clock): { stop(): Promise<void> } {
  let stopped = false;
  let wake: () => void = () => undefined;
  let reconciledAtMs = Number.NEGATIVE_INFINITY;
  const ticks = openTicks(async () => wake());
  const reconcile = async () => {
    if (performance.now() - reconciledAtMs < RECONCILE_EVERY_MS) return;
    reconciledAtMs = performance.now();
    const enabled = (await listSchedules()).filter((schedule) => schedule.enabled);
    // Away or emptied, the queue is tried again next time; the tickets' consumer has said so already.
    await ticks
      .reconcile(enabled.map(({ id: scheduleId, cron, timeZone }) => ({ scheduleId, cron, timeZone })))
      .catch((thrown: unknown) => log("debug", `The ticks of schedules must wait: ${inWords(thrown)}`));
  };
  const look = async () => {
    try {
      await lookAtNight(clock.nowMs(), log);
      await reconcile();
    } catch (thrown) {
      log("warn", `The night watch comes back later: ${inWords(thrown)}`);
      if (!isDatabaseUnavailable(thrown))
        log("error", "That was not the database being away; please report it.");
    }
  };
  const loop = async () => {
    while (!stopped) {
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      await look();
      if (stopped) return;
      const timer = setTimeout(() => wake(), LOOK_EVERY_MS);
      await woken;
      clearTimeout(timer);
    }
  };
  const running = loop();
  return {
    async stop() {
      stopped = true;
      wake();
      await Promise.all([running, ticks.close()]);
    },
  };
}
