// npm run demo: the whole product on this machine, doing its main job through its own API on real partitions:
// snapshot a classroom, damage it, snapshot again, roll back, and compare every byte with what was there before.
//
//   npm run demo              leaves the dashboard up until Ctrl-C
//   npm run demo -- --exit    stops everything and ends with code 0 when every partition is as it was
//
// Data stay in .sheepfold/demo; a second run goes on with them.
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { changeSimulatedDisk, damageSimulatedDisk } from "#agent/simulated-pc.ts";
import { CodedError, failureReportOf } from "#lib/model/errors.ts";
import { formatBytes, formatSeconds } from "#lib/model/units.ts";
import { Output, table } from "./repo/output.ts";
import { ApiClient, type JobView } from "./stack/api-client.ts";
import { stopAllChildren } from "./stack/child-process.ts";
import { type SimulatedClassroom, startSimulatedClassroom } from "./stack/classroom.ts";
import { type Stack, startStack } from "./stack/stack.ts";

const ROOM = "Room 101";
const PC_COUNT = 8;

interface SnapshotRow {
  readonly id: string;
  readonly nodeName: string;
  readonly jobId: string | null;
  readonly createdAt: string;
  readonly sizeBytes: number;
  readonly newBytes: number;
  readonly storedBytes: number;
}

interface PlanItem {
  readonly nodeName: string;
  readonly action: string;
  readonly explanation: string;
  readonly compareBytes: number;
}

interface RestorePlanAnswer {
  readonly id: string;
  readonly hash: string;
  readonly items: readonly PlanItem[];
}

interface Step {
  readonly name: string;
  readonly nodes: number;
  readonly bytes: number;
  readonly deduplicated: number;
  readonly stored: number;
  readonly written: number | null;
  readonly seconds: number;
}

const say = (line: string) => console.log(line);

async function main(leaveUp: boolean): Promise<void> {
  const started = performance.now();
  const stack = await startStack({ dir: ".sheepfold/demo", log: (line) => say(`  ${line}`) });
  const api = new ApiClient(stack.appUrl);
  await api.signIn(stack.admin);
  say(`${ROOM}: starting ${PC_COUNT} simulated PCs …`);
  const room = await startSimulatedClassroom(stack, api, {
    name: ROOM,
    pcCount: PC_COUNT,
    log: (line) => say(`  ${line}`),
  });
  const steps = await doTheMainJob(stack, api, room);
  printTable(steps);
  say(`\nEverything above took ${formatSeconds((performance.now() - started) / 1000)}.`);
  if (!leaveUp) return;
  say(`\nThe dashboard is at ${stack.appUrl}`);
  say(`  sign in as ${stack.admin.email} with the password ${stack.admin.password}`);
  say("  Ctrl-C stops everything; the data stay in .sheepfold/demo.");
  await new Promise(() => undefined);
}

async function doTheMainJob(stack: Stack, api: ApiClient, room: SimulatedClassroom): Promise<Step[]> {
  const first = await snapshotClassroom(api, room, "Before the lesson");
  const copies = keepCopies(stack, room);
  try {
    say("Changing files on every PC and damaging some disks …");
    for (const [index, pc] of room.pcs.entries()) {
      await changeSimulatedDisk(pc.disk, Date.now() + index);
      if (index % 2 === 1) await damageSimulatedDisk(pc.disk, Date.now() + index);
    }
    const second = await snapshotClassroom(api, room, "After the lesson");
    const back = await rollBack(api, room, first.at);
    compareWithCopies(room, copies);
    return [first.step, second.step, back];
  } finally {
    for (const copy of copies) rmSync(copy, { force: true });
  }
}

async function snapshotClassroom(api: ApiClient, room: SimulatedClassroom, comment: string) {
  say(`Snapshot classroom: "${comment}"`);
  const { jobId } = await api.post<{ jobId: string }>(
    `/api/v1/groups/${room.groupId}/snapshots`,
    { comment },
    randomUUID(),
  );
  const { job, seconds } = await follow(api, jobId);
  const { items } = await api.get<{ items: readonly SnapshotRow[] }>(`/api/v1/snapshots?job=${job.id}`);
  const sum = (pick: (row: SnapshotRow) => number) => items.reduce((total, row) => total + pick(row), 0);
  const bytes = sum((row) => row.sizeBytes);
  const step: Step = {
    name: comment,
    nodes: items.length,
    bytes,
    deduplicated: bytes - sum((row) => row.newBytes),
    stored: sum((row) => row.storedBytes),
    written: null,
    seconds,
  };
  const at = items
    .map((row) => row.createdAt)
    .sort()
    .at(-1) as string;
  return { step, at };
}

async function rollBack(api: ApiClient, room: SimulatedClassroom, at: string): Promise<Step> {
  say(`Roll back classroom to ${at}`);
  const plan = await api.post<RestorePlanAnswer>("/api/v1/plans", {
    kind: "roll-back-classroom",
    subjectId: room.groupId,
    at,
  });
  for (const item of plan.items)
    say(`  ${item.action === "restore" ? "+" : "!"} ${item.nodeName}: ${item.explanation}`);
  const { jobId } = await api.post<{ jobId: string }>(
    `/api/v1/plans/${plan.id}/apply`,
    { planHash: plan.hash, confirmName: room.name },
    randomUUID(),
  );
  const { job, seconds } = await follow(api, jobId);
  const written = job.tasks.map((task) => Number(task.report?.writtenBytes ?? 0));
  return {
    name: "Roll back",
    nodes: job.tasks.length,
    bytes: plan.items.reduce((total, item) => total + item.compareBytes, 0),
    deduplicated: 0,
    stored: 0,
    written: written.reduce((total, bytes) => total + bytes, 0),
    seconds,
  };
}

async function follow(api: ApiClient, jobId: string): Promise<{ job: JobView; seconds: number }> {
  const output = new Output({});
  const onProgress = output.beginProgress();
  const started = performance.now();
  const job = await api.followJob(jobId, ({ doneBytes, totalBytes }) =>
    onProgress({ doneBytes, totalBytes }),
  );
  output.endProgress();
  if (job.state !== "succeeded") {
    const reasons = job.tasks
      .filter((task) => task.failure !== null)
      .map((task) => `${task.nodeName}: ${task.failure?.message}`);
    throw new CodedError(
      "job-partly-failed",
      `${job.title} ended as ${job.state}. ${[job.failure?.message, ...reasons].join(" ")}`,
    );
  }
  return { job, seconds: (performance.now() - started) / 1000 };
}

/** Copies of the disks as they were snapshotted, for the comparison at the end. Holes stay holes. */
function keepCopies(stack: Stack, room: SimulatedClassroom): string[] {
  const folder = join(stack.dir, "copies");
  mkdirSync(folder, { recursive: true });
  return room.pcs.map((pc) => {
    const copy = join(folder, `${pc.name}.img`);
    execFileSync("cp", ["--sparse=always", "--reflink=auto", pc.disk, copy]);
    return copy;
  });
}

function compareWithCopies(room: SimulatedClassroom, copies: readonly string[]): void {
  for (const [index, pc] of room.pcs.entries()) {
    const copy = copies[index] as string;
    if (!existsSync(copy)) throw new Error(`Bug: the copy ${copy} is gone`);
    execFileSync("cmp", [pc.disk, copy], { stdio: "inherit" });
  }
  say(`Compared byte for byte: all ${room.pcs.length} disks are exactly as they were before the lesson.`);
}

function printTable(steps: readonly Step[]): void {
  const head = ["Step", "Nodes", "Bytes", "Deduplicated", "Stored", "Written", "Time"];
  const rows = steps.map((step) => [
    step.name,
    String(step.nodes),
    formatBytes(step.bytes),
    step.written === null ? formatBytes(step.deduplicated) : "–",
    step.written === null ? formatBytes(step.stored) : "–",
    step.written === null ? "–" : formatBytes(step.written),
    formatSeconds(step.seconds),
  ]);
  say(`\n${table(head, rows, head.slice(1))}`);
}

const stopOnSignal = async (code: number) => {
  say("\nStopping …");
  await stopAllChildren();
  process.exit(code);
};
process.on("SIGINT", () => void stopOnSignal(0));
process.on("SIGTERM", () => void stopOnSignal(0));

try {
  await main(!process.argv.includes("--exit"));
  await stopAllChildren();
} catch (thrown) {
  const failure = failureReportOf(thrown);
  console.error(`\nThe demo failed: ${failure.message}`);
  if (failure.hint !== null) console.error(`  → ${failure.hint}`);
  await stopAllChildren();
  process.exit(1);
}
