// Schedules, their runs, windows, blackouts and notifications, as the API answers them.
import { z } from "zod";
import { JOB_STATES } from "#lib/model/job.ts";
import {
  RECIPIENT_KINDS,
  RUN_STATES,
  SCHEDULE_KINDS,
  WHEN_CLOSED,
  WHEN_MISSED,
  WHEN_OVER,
} from "#lib/model/schedule.ts";
import { Count, Failure, Moment } from "./shared.ts";

const Target = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("classroom"), groupId: z.string() }),
  z.object({ kind: z.literal("nodes"), nodeIds: z.array(z.string()) }),
  z.object({ kind: z.literal("repository") }),
]);

const scheduleFields = {
  id: z.string(),
  name: z.string(),
  kind: z.enum(SCHEDULE_KINDS),
  target: Target,
  parameters: z.record(z.string(), z.unknown()).describe("By kind."),
  cron: z.string().describe("Five fields."),
  timeZone: z.string().describe("IANA name."),
  enabled: z.boolean(),
  whenMissed: z.enum(WHEN_MISSED),
  whenClosed: z.enum(WHEN_CLOSED),
  whenOver: z.enum(WHEN_OVER),
  waves: z.object({ canaryCount: Count, waveSize: Count, failPercentMax: Count }),
  graceMinutes: Count,
  nextRunAt: Moment.nullable(),
  createdBy: z.string().describe("It acts in this person's name."),
  updatedBy: z.string(),
  createdAt: Moment,
};

export const ScheduleFields = z.object(scheduleFields).meta({ id: "Schedule" });

const runFields = {
  id: z.string(),
  scheduleId: z.string(),
  state: z.enum(RUN_STATES),
  plannedFor: Moment,
  beganAt: Moment.nullable(),
  finishedAt: Moment.nullable(),
  expectedAt: Moment.nullable().describe("By what earlier runs took."),
  windowEndsAt: Moment.nullable(),
  reason: z.string().nullable(),
  pcCount: Count,
};

const RunSummary = z.object(runFields).meta({ id: "ScheduleRunSummary" });

const ScheduleRunFields = z
  .object({
    ...runFields,
    waves: z.array(
      z.object({
        index: Count,
        pcCount: Count,
        jobId: z.string().nullable(),
        jobState: z.enum(JOB_STATES).nullable(),
        failure: Failure.nullable(),
        result: z
          .object({ succeeded: Count, failed: Count, skipped: Count, cancelled: Count })
          .nullable()
          .describe("Of PCs; null while under way."),
      }),
    ),
  })
  .meta({ id: "ScheduleRun" });

export const ScheduleRuns = z.object({ items: z.array(ScheduleRunFields) });

export const ScheduleWithRuns = z
  .object({
    ...scheduleFields,
    nextRuns: z.array(Moment).describe("The next three."),
    forecast: z
      .object({ seconds: z.number(), runCount: Count.describe("Of so many earlier runs.") })
      .nullable(),
    newestRun: RunSummary.nullable(),
  })
  .meta({ id: "ScheduleWithRuns" });

export const WindowFields = z
  .object({
    id: z.string(),
    groupId: z.string().nullable().describe("Null: for whatever has no windows of its own."),
    days: z.array(z.number().int()).describe("0 is Sunday."),
    fromMinute: Count,
    toMinute: Count.describe("Not after fromMinute: on the next day."),
    timeZone: z.string(),
  })
  .meta({ id: "MaintenanceWindow" });

export const BlackoutFields = z
  .object({
    id: z.string(),
    groupId: z.string().nullable().describe("Null: everywhere."),
    from: z.string(),
    to: z.string(),
    reason: z.string(),
    source: z.string().nullable().describe("The calendar it was imported from."),
  })
  .meta({ id: "Blackout" });

export const CalendarImported = z.object({ imported: Count, replaced: Count });

export const RecipientMade = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.enum(RECIPIENT_KINDS),
  address: z.string(),
});
export const RecipientFields = z
  .object({
    id: z.string(),
    name: z.string(),
    kind: z.enum(RECIPIENT_KINDS),
    address: z.string(),
    hasSecret: z.boolean(),
  })
  .meta({ id: "Recipient" });
export const TestAnswer = z.object({ answer: z.string().describe("Of the other server, as it said it.") });

export const MailServerFields = z.object({
  mailServer: z
    .object({
      host: z.string(),
      port: Count,
      security: z.enum(["tls", "starttls", "none"]),
      from: z.string(),
      user: z.string().nullable(),
      hasPassword: z.boolean(),
    })
    .nullable(),
});

const digestTime = z.object({ atMinute: Count, timeZone: z.string(), sinceMs: Count }).nullable();
export const DigestTimeFields = z.object({ digest: digestTime });
export const DigestFields = z.object({
  digest: digestTime,
  lastDigest: z.object({ day: z.string(), text: z.string() }).nullable(),
});
