// At the end of its window a job begins with no further PC; those that have begun go on to their end. A PC counts as begun with its
// first task, so that one whose disk has its master already also gets what makes it itself.
import type { FailureReport } from "#lib/model/errors.ts";
import type { TaskState } from "#lib/model/job.ts";
import { database } from "./client.ts";
import { notify } from "./notify.ts";
import { OPEN_JOB_STATES, taskStatesMovedBy } from "./transitions.ts";

/** Answers how many PCs will not begin. Asking twice does no harm. */
export async function stopStartingPcs(jobId: string, failure: FailureReport): Promise<number> {
  const tasks = await database().task.findMany({
    where: { jobId, nodeId: { not: null }, job: { state: { in: OPEN_JOB_STATES } } },
    select: { id: true, nodeId: true, state: true },
  });
  const idle: TaskState[] = taskStatesMovedBy("cancel", "cancelled").filter((state) => state !== "running");
  const untouched = [...Map.groupBy(tasks, ({ nodeId }) => nodeId).values()].filter(
    (mine) =>
      mine.some(({ state }) => idle.includes(state)) &&
      mine.every(({ state }) => idle.includes(state) || state === "skipped"),
  );
  if (untouched.length === 0) return 0;
  await database().task.updateMany({
    where: { id: { in: untouched.flat().map(({ id }) => id) }, state: { in: idle } },
    data: {
      state: "cancelled",
      finishedAt: new Date(),
      failureCode: failure.code,
      failureMessage: failure.message,
      failureHint: failure.hint,
    },
  });
  await notify("jobs", jobId);
  return untouched.length;
}
