// When scheduled work may begin: maintenance windows, blackouts, and calendars of holidays or lessons.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { recordAudit } from "#lib/db/audit.ts";
import {
  createBlackout as createBlackoutRow,
  createWindow as createWindowRow,
  removeBlackout as removeBlackoutRow,
  removeCalendar as removeCalendarRow,
  removeWindow as removeWindowRow,
  replaceBlackouts,
} from "#lib/db/calendar.ts";
import { requireGroup } from "#lib/db/groups.ts";
import { DAY_MINUTES } from "#lib/model/bandwidth.ts";
import type { Blackout, MaintenanceWindow } from "#lib/model/calendar.ts";
import { CodedError } from "#lib/model/errors.ts";
import { CALENDAR_CHARACTERS_MAX, readCalendar } from "#lib/schedule/ical.ts";
import { momentOf } from "#lib/schedule/zone.ts";
import { Id, Label, parseInput, TimeZone } from "./input.ts";

/** Repeated events are laid out this far: a school year and some. */
const HORIZON_MS = 400 * 24 * 3600_000;
const minute = z
  .number()
  .int()
  .min(0)
  .max(DAY_MINUTES - 1);
/** With its offset, or as the wall clock shows it: then `timeZone` says whose. */
const moment = z.union([z.iso.datetime({ offset: true }), z.iso.datetime({ local: true, precision: -1 })]);
const Reason = z.string().trim().min(1, "must not be empty").max(200);

export const CreateWindowInput = z.object({
  /** Absent: for whatever has no windows of its own. */
  groupId: Id.optional(),
  days: z.array(z.number().int().min(0).max(6)).min(1, "must name a day").max(7),
  fromMinute: minute,
  toMinute: minute,
  timeZone: TimeZone,
});
export const CreateBlackoutInput = z.object({
  /** Absent: everywhere. */
  groupId: Id.optional(),
  from: moment,
  to: moment,
  /** Of moments without an offset. */
  timeZone: TimeZone.default("UTC"),
  reason: Reason,
});
export const ImportCalendarInput = z.object({
  groupId: Id.optional(),
  /** An import of the same name takes its place. */
  name: Label,
  /** For days, and for times without a zone of their own. */
  timeZone: TimeZone,
  text: z.string().max(CALENDAR_CHARACTERS_MAX),
});

export const RemoveWindowInput = z.object({ windowId: Id });
export const RemoveBlackoutInput = z.object({ blackoutId: Id });
export const RemoveCalendarInput = z.object({ name: Label });

export async function createWindow(
  viewer: Viewer,
  input: z.input<typeof CreateWindowInput>,
): Promise<MaintenanceWindow> {
  permit(viewer, "schedule");
  const { groupId, ...asked } = parseInput(CreateWindowInput, input);
  if (groupId !== undefined) await requireGroup(groupId);
  const days = [...new Set(asked.days)].sort((left, right) => left - right);
  const window = await createWindowRow({ ...asked, days, groupId: groupId ?? null }, viewer.id);
  await recordAudit(viewer.id, "create-window", window.id, {
    groupId: window.groupId,
    days: days.join(""),
    from: window.fromMinute,
    to: window.toMinute,
  });
  return window;
}

export async function removeWindow(viewer: Viewer, input: z.input<typeof RemoveWindowInput>): Promise<void> {
  permit(viewer, "schedule");
  const { windowId } = parseInput(RemoveWindowInput, input);
  if (await removeWindowRow(windowId)) await recordAudit(viewer.id, "remove-window", windowId, {});
}

export async function createBlackout(
  viewer: Viewer,
  input: z.input<typeof CreateBlackoutInput>,
): Promise<Blackout> {
  permit(viewer, "schedule");
  const { groupId, reason, timeZone, ...span } = parseInput(CreateBlackoutInput, input);
  if (groupId !== undefined) await requireGroup(groupId);
  const [from, to] = [isoOf(span.from, timeZone), isoOf(span.to, timeZone)];
  if (Date.parse(to) <= Date.parse(from)) {
    throw new CodedError("input-invalid", "to: must be after from", { hint: "Correct the two moments." });
  }
  const blackout = { groupId: groupId ?? null, from, to, reason, source: null };
  const made = await createBlackoutRow(blackout, viewer.id);
  await recordAudit(viewer.id, "create-blackout", made.id, { from, to, reason });
  return made;
}

function isoOf(text: string, timeZone: string): string {
  const [, year, month, day, hour, minute] =
    /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)$/.exec(text)?.map(Number) ?? [];
  if (year === undefined || month === undefined || day === undefined) return new Date(text).toISOString();
  const minutes = 60 * (hour ?? 0) + (minute ?? 0);
  return new Date(momentOf({ year, month, day }, minutes, timeZone)).toISOString();
}

export async function removeBlackout(
  viewer: Viewer,
  input: z.input<typeof RemoveBlackoutInput>,
): Promise<void> {
  permit(viewer, "schedule");
  const { blackoutId } = parseInput(RemoveBlackoutInput, input);
  if (await removeBlackoutRow(blackoutId)) await recordAudit(viewer.id, "remove-blackout", blackoutId, {});
}

export async function importCalendar(
  viewer: Viewer,
  input: z.input<typeof ImportCalendarInput>,
): Promise<{ readonly imported: number; readonly replaced: number }> {
  permit(viewer, "schedule");
  const { groupId = null, name, timeZone, text } = parseInput(ImportCalendarInput, input);
  if (groupId !== null) await requireGroup(groupId);
  const nowMs = Date.now();
  const events = readCalendar(text, { fromMs: nowMs, toMs: nowMs + HORIZON_MS, timeZone });
  const blackouts = events
    .filter(({ fromMs, toMs }) => fromMs < toMs)
    .map(({ fromMs, toMs, reason }) => ({
      groupId,
      from: new Date(fromMs).toISOString(),
      to: new Date(toMs).toISOString(),
      reason,
      source: name,
    }));
  const { removed } = await replaceBlackouts({ source: name, groupId }, blackouts, viewer.id);
  await recordAudit(viewer.id, "import-calendar", name, { events: blackouts.length, replaced: removed });
  return { imported: blackouts.length, replaced: removed };
}

export async function removeCalendar(
  viewer: Viewer,
  input: z.input<typeof RemoveCalendarInput>,
): Promise<void> {
  permit(viewer, "schedule");
  const { name } = parseInput(RemoveCalendarInput, input);
  const count = await removeCalendarRow(name);
  if (count > 0) await recordAudit(viewer.id, "remove-calendar", name, { events: count });
}
