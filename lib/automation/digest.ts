// The morning digest: once a day, when its time has come, from rows alone; frozen with what goes out in one transaction. A server that was
// down at that time makes it when it is back, and says what it did not do.

import { namesOfNodes } from "#lib/db/automation-nodes.ts";
import { createDigestOnce, lastDigest } from "#lib/db/deliveries.ts";
import {
  endedTasks,
  jobsOfPeopleBetween,
  type NightRun,
  runsBetween,
  storageBetween,
} from "#lib/db/digest-facts.ts";
import { findDigestTime } from "#lib/db/recipients.ts";
import { resultOfWave, totalOf } from "#lib/model/wave-result.ts";
import {
  causesOf,
  type DigestFacts,
  type DigestRun,
  digestDue,
  digestText,
  digestTitle,
} from "#lib/schedule/digest.ts";

const DAY_MS = 24 * 3600_000;
/** After longer silence than this a digest only looks back one day. */
const LOOK_BACK_MS_MAX = 7 * DAY_MS;

/** The day whose digest was made now; null: none was due. */
export async function makeDigestWhenDue(nowMs: number): Promise<string | null> {
  const time = await findDigestTime();
  if (time === null) return null;
  const last = await lastDigest();
  const day = digestDue(time, last?.day ?? null, nowMs);
  if (day === null) return null;
  const isRecent = last !== null && nowMs - last.toMs <= LOOK_BACK_MS_MAX;
  const fromMs = isRecent ? last.toMs : nowMs - DAY_MS;
  const facts = await digestFactsOf(fromMs, nowMs, time.timeZone);
  const made = await createDigestOnce(
    { day, fromMs, toMs: nowMs },
    {
      subject: `digest ${day}`,
      title: `${digestTitle(facts)} (${day})`,
      text: digestText(facts),
      data: { kind: "digest", day, facts: JSON.parse(JSON.stringify(facts)) },
    },
    nowMs,
  );
  return made ? day : null;
}

export async function digestFactsOf(fromMs: number, toMs: number, timeZone: string): Promise<DigestFacts> {
  const runs: DigestRun[] = [];
  for (const night of await runsBetween(fromMs, toMs)) runs.push(await digestRunOf(night));
  const otherJobs = await jobsOfPeopleBetween(fromMs, toMs);
  return { fromMs, toMs, timeZone, runs, otherJobs, storage: await storageBetween(fromMs, toMs) };
}

async function digestRunOf({ run, scheduleName, waves }: NightRun): Promise<DigestRun> {
  const results = waves.flatMap((wave) => resultOfWave(wave) ?? []);
  const begun = waves.reduce((count, wave) => count + wave.nodeIds.length, 0);
  const tasks = endedTasks(waves).flatMap(({ nodeName, state, failure }) =>
    nodeName === null || failure === null ? [] : [{ name: nodeName, state, ...failure }],
  );
  const ofWaves = [];
  for (const { failure, job, nodeIds } of waves) {
    if (failure === null || job !== null) continue;
    for (const name of await namesOfNodes(nodeIds)) ofWaves.push({ name, ...failure });
  }
  const wasTried = (code: string) => code !== "nothing-to-restore" && code !== "node-busy";
  return {
    scheduleName,
    plannedForMs: run.plannedForMs,
    state: run.state,
    reason: run.reason ?? storeFailure(waves),
    beganAtMs: run.beganAtMs,
    finishedAtMs: run.finishedAtMs,
    result: totalOf(results),
    untouched: Math.max(0, run.nodeIds.length - begun),
    failed: causesOf([
      ...tasks.filter(({ state }) => state === "failed"),
      ...ofWaves.filter(({ code }) => wasTried(code)),
    ]),
    notTried: causesOf([
      ...tasks.filter(({ state }) => state === "skipped" || state === "cancelled"),
      ...ofWaves.filter(({ code }) => !wasTried(code)),
    ]),
  };
}

/** Work on the store has no PCs: its job's own words. */
function storeFailure(waves: NightRun["waves"]): string | null {
  const bad = waves.find((wave) => wave.nodeIds.length === 0 && wave.job?.failure);
  return bad?.job?.failure?.message ?? null;
}
