// npm run seed: gives the development stack (npm run dev) a classroom with a little history to click on: three practice PCs, a few
// snapshots with real changes in between, and one roll back. Stop `npm run dev` first: they share a folder.
import { randomUUID } from "node:crypto";
import { changeSimulatedDisk, damageSimulatedDisk } from "#agent/simulated-pc.ts";
import { failureReportOf } from "#lib/model/errors.ts";
import { ApiClient } from "./stack/api-client.ts";
import { stopAllChildren } from "./stack/child-process.ts";
import { startSimulatedClassroom } from "./stack/classroom.ts";
import { startStack } from "./stack/stack.ts";

const say = (line: string) => console.log(line);
const LESSONS = ["Monday, before lessons", "Office suite updated", "New printer driver"] as const;

async function seed(): Promise<void> {
  const stack = await startStack({ dir: ".sheepfold/dev", app: "development", log: say });
  const api = new ApiClient(stack.appUrl);
  await api.signIn(stack.admin);
  const room = await startSimulatedClassroom(stack, api, { name: "Dev room", pcCount: 3, log: say });
  const snapshot = async (comment: string) => {
    say(`snapshot: ${comment}`);
    const { jobId } = await api.post<{ jobId: string }>(
      `/api/v1/groups/${room.groupId}/snapshots`,
      { comment },
      randomUUID(),
    );
    await api.followJob(jobId, () => undefined);
  };
  for (const [lesson, comment] of LESSONS.entries()) {
    await snapshot(comment);
    for (const [seat, pc] of room.pcs.entries()) await changeSimulatedDisk(pc.disk, 100 * lesson + seat);
  }
  const at = new Date().toISOString();
  const victim = room.pcs[0];
  if (victim !== undefined) await damageSimulatedDisk(victim.disk, 7);
  const plan = await api.post<{ id: string; hash: string }>("/api/v1/plans", {
    kind: "roll-back-classroom",
    subjectId: room.groupId,
    at,
  });
  say("rolling back");
  const { jobId } = await api.post<{ jobId: string }>(
    `/api/v1/plans/${plan.id}/apply`,
    { planHash: plan.hash, confirmName: room.name },
    randomUUID(),
  );
  const job = await api.followJob(jobId, () => undefined);
  say(`seeded; the roll back ended as ${job.state}. Now: npm run dev`);
}

try {
  await seed();
} catch (thrown) {
  const failure = failureReportOf(thrown);
  console.error(failure.hint === null ? failure.message : `${failure.message}\n  → ${failure.hint}`);
  process.exitCode = 1;
} finally {
  await stopAllChildren();
}
