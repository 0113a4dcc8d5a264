"use server";

// Clicks on the page of schedules. Each parses its form and hands the wish to its command.
import { refresh } from "next/cache";
import { redirect } from "next/navigation";
import { z } from "zod";
import { cronOf } from "#components/schedules/rhythm.ts";
import type { FormState } from "#components/ui/form-state.ts";
import { requireViewer } from "#lib/auth/viewer.ts";
import {
  createBlackout,
  createWindow,
  importCalendar,
  removeBlackout,
  removeCalendar,
  removeWindow,
} from "#lib/commands/choose-calendar.ts";
import {
  changeScheduleOf,
  createSchedule,
  removeSchedule,
  switchSchedule,
} from "#lib/commands/save-schedule.ts";
import { CodedError } from "#lib/model/errors.ts";
import {
  SCHEDULE_KINDS,
  SCHEDULE_TARGETS,
  WHEN_CLOSED,
  WHEN_MISSED,
  WHEN_OVER,
} from "#lib/model/schedule.ts";
import { answer, parseForm } from "./answer.ts";

const id = z.string().max(64);
const count = z.coerce.number().int();
const yes = z.literal("yes").optional();
const zone = z.string().trim().max(64);
const clockText = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, "must be a time such as 07:30");
/** "07:30" as minutes since midnight. */
const clock = clockText.transform((text) => 60 * Number(text.slice(0, 2)) + Number(text.slice(3)));

const SaveForm = z.object({
  requestId: z.uuid(),
  scheduleId: id.optional(),
  enabled: z.enum(["yes", "no"]).default("yes"),
  name: z.string(),
  kind: z.enum(SCHEDULE_KINDS),
  target: z.enum(SCHEDULE_TARGETS),
  groupId: id.optional(),
  when: z.enum(["daily", "workdays", "weekly", "own"]),
  time: clockText.optional(),
  weekday: z.coerce.number().int().min(0).max(6).default(0),
  cron: z.string().optional(),
  timeZone: zone,
  canaryCount: count.default(0),
  waveSize: count.default(0),
  failPercentMax: count.default(100),
  whenClosed: z.enum(WHEN_CLOSED),
  whenOver: z.enum(WHEN_OVER),
  whenMissed: z.enum(WHEN_MISSED),
  graceMinutes: count,
  comment: z.string().optional(),
  technique: z.string().optional(),
  moment: z
    .string()
    .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d$/)
    .optional(),
  snapshotId: id.optional(),
  replaceLayouts: yes,
  baseline: yes,
  nodeId: id.optional(),
  snapshotCount: count.optional(),
  minutesMax: z.coerce.number().positive().optional(),
  deep: yes,
  safety: yes,
});
type Saved = z.output<typeof SaveForm>;

export async function saveScheduleAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    const saved = parseForm(SaveForm, form);
    const nodeIds = form.getAll("nodeIds").filter((value) => typeof value === "string");
    const choice = {
      name: saved.name,
      kind: saved.kind,
      target: targetOf(saved, nodeIds),
      parameters: parametersOf(saved),
      cron: cronOfForm(saved),
      timeZone: saved.timeZone,
      enabled: saved.enabled === "yes",
      whenClosed: saved.whenClosed,
      whenOver: saved.whenOver,
      whenMissed: saved.whenMissed,
      graceMinutes: saved.graceMinutes,
      waves: {
        canaryCount: saved.canaryCount,
        waveSize: saved.waveSize,
        failPercentMax: saved.failPercentMax,
      },
    };
    if (saved.scheduleId === undefined) {
      const { id: scheduleId } = await createSchedule(viewer, { ...choice, requestId: saved.requestId });
      redirect(`/schedules/${scheduleId}`);
    }
    await changeScheduleOf(viewer, { ...choice, scheduleId: saved.scheduleId });
    refresh();
    return { status: "done", message: "Saved." };
  });
}

function targetOf({ target, groupId }: Saved, nodeIds: string[]) {
  if (target === "repository") return { kind: target };
  if (target === "nodes") return { kind: target, nodeIds };
  if (groupId !== undefined) return { kind: target, groupId };
  throw new CodedError("input-invalid", "There is no classroom yet.", { hint: "Make one first." });
}

function cronOfForm({ when, time, weekday, cron }: Saved): string {
  if (when === "own") return cron ?? "";
  return cronOf({ when, time: time ?? "02:00", weekday });
}

/** Only the fields of the kind: a form that was shown for another kind may still carry its own. */
function parametersOf(saved: Saved): Record<string, unknown> {
  const { kind, comment, technique, moment, snapshotId, nodeId, snapshotCount, minutesMax } = saved;
  const replaceLayouts = saved.replaceLayouts === "yes";
  const secondsMax = minutesMax === undefined ? undefined : Math.round(minutesMax * 60);
  switch (kind) {
    case "snapshot":
      return withoutAbsent({ comment, technique });
    case "roll-back":
      return withoutAbsent({
        moment: moment === undefined ? undefined : `${moment}:00Z`,
        safety: saved.safety === "yes",
      });
    case "clone":
      return withoutAbsent({ snapshotId, replaceLayouts });
    case "localize":
      return withoutAbsent({ snapshotId, replaceLayouts, baseline: saved.baseline === "yes" });
    case "scrub":
      return withoutAbsent({ secondsMax, deep: saved.deep === "yes" });
    case "gc":
    case "re-segment":
      return withoutAbsent({ secondsMax });
    case "evaluate":
      return withoutAbsent({ nodeId, snapshotCount });
    case "prune":
      return {};
  }
}

function withoutAbsent(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

const SwitchForm = z.object({ scheduleId: id, enabled: z.enum(["yes", "no"]) });

export async function switchScheduleAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    const { scheduleId, enabled } = parseForm(SwitchForm, form);
    await switchSchedule(viewer, { scheduleId, enabled: enabled === "yes" });
    refresh();
    return { status: "idle" };
  });
}

export async function removeScheduleAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    await removeSchedule(viewer, parseForm(z.object({ scheduleId: id }), form));
    redirect("/schedules");
  });
}

const WindowForm = z.object({
  groupId: id.optional(),
  days: z
    .string()
    .regex(/^[0-6](,[0-6])*$/)
    .transform((text) => text.split(",").map(Number)),
  from: clock,
  until: clock,
  timeZone: zone,
});

export async function addWindowAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    const { from, until, ...rest } = parseForm(WindowForm, form);
    await createWindow(viewer, { ...rest, fromMinute: from, toMinute: until });
    refresh();
    return { status: "done", message: "Added." };
  });
}

export async function removeWindowAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    await removeWindow(viewer, parseForm(z.object({ windowId: id }), form));
    refresh();
    return { status: "idle" };
  });
}

const day = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d$/, "must be a day and a time");
const BlackoutForm = z.object({
  groupId: id.optional(),
  from: day,
  to: day,
  timeZone: zone,
  reason: z.string(),
});

export async function addBlackoutAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    await createBlackout(viewer, parseForm(BlackoutForm, form));
    refresh();
    return { status: "done", message: "Added." };
  });
}

export async function removeBlackoutAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    await removeBlackout(viewer, parseForm(z.object({ blackoutId: id }), form));
    refresh();
    return { status: "idle" };
  });
}

const CalendarForm = z.object({
  groupId: id.optional(),
  name: z.string(),
  timeZone: zone,
  file: z.instanceof(File, { error: "must be a file" }),
});

export async function importCalendarAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    const { file, ...rest } = parseForm(CalendarForm, form);
    const { imported, replaced } = await importCalendar(viewer, { ...rest, text: await file.text() });
    refresh();
    const instead = replaced === 0 ? "" : ` They take the place of ${replaced}.`;
    return { status: "done", message: `${imported} blackouts imported.${instead}` };
  });
}

export async function removeCalendarAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    await removeCalendar(viewer, parseForm(z.object({ name: z.string() }), form));
    refresh();
    return { status: "idle" };
  });
}
