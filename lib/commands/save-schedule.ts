// What "Save" on a schedule means, and its switch, and its removal. Whoever saves a schedule may do what it will do: the commands it calls ask
// again at each run. The next moment is computed here, so that nothing that was due under another time plan runs now.
import { z } from "zod";
import { type Action, permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { recordAudit } from "#lib/db/audit.ts";
import { requireGroup } from "#lib/db/groups.ts";
import type { JobOptions } from "#lib/db/job-options.ts";
import { requireNode } from "#lib/db/nodes.ts";
import {
  changeSchedule,
  createScheduleOnce,
  removeSchedule as removeRow,
  requireSchedule,
  type ScheduleChoice,
  setScheduleEnabled,
} from "#lib/db/schedules.ts";
import { findSnapshot } from "#lib/db/snapshots.ts";
import { CodedError } from "#lib/model/errors.ts";
import {
  SCHEDULE_KINDS,
  SCHEDULE_TARGETS,
  type Schedule,
  type ScheduleKind,
  type ScheduleTarget,
  TARGETS_OF_KIND,
  WHEN_CLOSED,
  WHEN_MISSED,
  WHEN_OVER,
} from "#lib/model/schedule.ts";
import { checkRhythm, nextRun } from "#lib/schedule/cron.ts";
import { Id, Label, parseInput, RequestId, TimeZone } from "./input.ts";
import { checkParameters } from "./schedule-parameters.ts";

const NODES_MAX = 1000;
const PCS_MAX = 1000;
const GRACE_MINUTES_MAX = 7 * 24 * 60;

const Fields = {
  name: Label,
  kind: z.enum(SCHEDULE_KINDS),
  target: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal(SCHEDULE_TARGETS[0]), groupId: Id }),
    z.object({ kind: z.literal(SCHEDULE_TARGETS[1]), nodeIds: z.array(Id).min(1).max(NODES_MAX) }),
    z.object({ kind: z.literal(SCHEDULE_TARGETS[2]) }),
  ]),
  parameters: z.record(z.string().max(32), z.unknown()).default({}),
  cron: z.string().trim(),
  timeZone: TimeZone,
  enabled: z.boolean().default(true),
  whenMissed: z.enum(WHEN_MISSED).default("run-once-when-back"),
  whenClosed: z.enum(WHEN_CLOSED).default("wait"),
  whenOver: z.enum(WHEN_OVER).default("stop-starting"),
  waves: z
    .object({
      canaryCount: z.number().int().min(0).max(PCS_MAX).default(0),
      waveSize: z.number().int().min(0).max(PCS_MAX).default(0),
      failPercentMax: z.number().int().min(0).max(100).default(100),
    })
    .default({ canaryCount: 0, waveSize: 0, failPercentMax: 100 }),
  graceMinutes: z.number().int().min(1).max(GRACE_MINUTES_MAX).default(60),
};

export const CreateScheduleInput = z.object({ requestId: RequestId, ...Fields });
export const ChangeScheduleInput = z.object({ scheduleId: Id, ...Fields });
export const SwitchScheduleInput = z.object({ scheduleId: Id, enabled: z.boolean() });
export const RemoveScheduleInput = z.object({ scheduleId: Id });

const ACTION_OF_KIND: Readonly<Record<ScheduleKind, Action>> = {
  snapshot: "snapshot",
  "roll-back": "restore",
  clone: "restore",
  localize: "localize",
  prune: "prune",
  gc: "upkeep",
  scrub: "upkeep",
  "re-segment": "upkeep",
  evaluate: "evaluate",
};

type Choice = z.output<ReturnType<typeof z.object<typeof Fields>>>;

export async function createSchedule(
  viewer: Viewer,
  input: z.input<typeof CreateScheduleInput>,
): Promise<Schedule> {
  permit(viewer, "schedule");
  const { requestId, ...choice } = parseInput(CreateScheduleInput, input);
  const checked = await checkChoice(viewer, choice);
  const { schedule, created } = await createScheduleOnce(requestId, checked, viewer.id);
  if (created) await audit(viewer, "create-schedule", schedule);
  return schedule;
}

/** Only by its maker: a schedule acts in its maker's name, so nobody else may change what it does. */
export async function changeScheduleOf(
  viewer: Viewer,
  input: z.input<typeof ChangeScheduleInput>,
): Promise<Schedule> {
  permit(viewer, "schedule");
  const { scheduleId, ...choice } = parseInput(ChangeScheduleInput, input);
  const before = await requireSchedule(scheduleId);
  if (before.createdBy !== viewer.id) {
    throw new CodedError("not-permitted", `"${before.name}" acts in somebody else's name.`, {
      hint: "Switch it off or remove it, and make one of your own.",
    });
  }
  const schedule = await changeSchedule(scheduleId, await checkChoice(viewer, choice), viewer.id);
  await audit(viewer, "change-schedule", schedule);
  return schedule;
}

/** Off by anybody who may schedule: stopping what goes wrong at night must not wait for its maker. On by those who may do what it does. */
export async function switchSchedule(
  viewer: Viewer,
  input: z.input<typeof SwitchScheduleInput>,
): Promise<Schedule> {
  permit(viewer, "schedule");
  const { scheduleId, enabled } = parseInput(SwitchScheduleInput, input);
  const before = await requireSchedule(scheduleId);
  if (enabled) permit(viewer, ACTION_OF_KIND[before.kind]);
  const nextRunAtMs = enabled ? nextRun(before, Date.now()) : null;
  const schedule = await setScheduleEnabled(scheduleId, { enabled, nextRunAtMs }, viewer.id);
  await audit(viewer, enabled ? "enable-schedule" : "disable-schedule", schedule);
  return schedule;
}

/** What runs goes on; what still waits is skipped with the reason. */
export async function removeSchedule(
  viewer: Viewer,
  input: z.input<typeof RemoveScheduleInput>,
): Promise<void> {
  permit(viewer, "schedule");
  const { scheduleId } = parseInput(RemoveScheduleInput, input);
  const schedule = await requireSchedule(scheduleId);
  await removeRow(scheduleId, viewer.id);
  await audit(viewer, "remove-schedule", schedule);
}

async function checkChoice(viewer: Viewer, choice: Choice): Promise<ScheduleChoice> {
  permit(viewer, ACTION_OF_KIND[choice.kind]);
  if (!TARGETS_OF_KIND[choice.kind].includes(choice.target.kind)) {
    throw new CodedError("input-invalid", `${choice.kind} has no use for the target ${choice.target.kind}.`, {
      hint: `Use ${TARGETS_OF_KIND[choice.kind].join(" or ")}.`,
    });
  }
  const nowMs = Date.now();
  checkRhythm(choice, nowMs);
  checkParameters(choice.kind, choice.parameters);
  await checkThere(choice.target, choice.parameters);
  return {
    ...choice,
    parameters: asOptions(choice.parameters),
    nextRunAtMs: choice.enabled ? nextRun(choice, nowMs) : null,
  };
}

async function checkThere(
  target: ScheduleTarget,
  parameters: Readonly<Record<string, unknown>>,
): Promise<void> {
  if (target.kind === "classroom") await requireGroup(target.groupId);
  if (target.kind === "nodes") for (const nodeId of target.nodeIds) await requireNode(nodeId);
  const { snapshotId, nodeId } = parameters;
  if (typeof nodeId === "string") await requireNode(nodeId);
  if (typeof snapshotId !== "string" || (await findSnapshot(snapshotId)) !== null) return;
  throw new CodedError("snapshot-unknown", `There is no snapshot ${snapshotId}.`);
}

/** checkParameters has seen them: plain values and lists of such. */
function asOptions(parameters: Readonly<Record<string, unknown>>): JobOptions {
  return parameters as JobOptions;
}

async function audit(viewer: Viewer, action: string, { id, name, kind, cron }: Schedule): Promise<void> {
  await recordAudit(viewer.id, action, id, { name, kind, cron });
}
