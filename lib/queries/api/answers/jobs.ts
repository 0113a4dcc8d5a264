// Jobs and their tasks, as the API answers them.
import { z } from "zod";
import { JOB_KINDS, JOB_STATES, TASK_KINDS, TASK_STATES } from "#lib/model/job.ts";
import { ByteCount, Count, Failure, Moment } from "./shared.ts";

export const JobFields = z
  .object({
    id: z.string(),
    kind: z.enum(JOB_KINDS),
    state: z.enum(JOB_STATES),
    title: z.string(),
    groupId: z.string().nullable(),
    planId: z.string().nullable(),
    options: z.record(z.string(), z.unknown()),
    createdBy: z.string().describe("The account that wished it."),
    createdAt: Moment,
    startedAt: Moment.nullable(),
    finishedAt: Moment.nullable(),
    attempt: Count,
    cancelAsked: z.boolean(),
    doneBytes: ByteCount,
    totalBytes: ByteCount,
    failure: Failure.nullable(),
    report: z.unknown().describe("What came of it, by kind; null before its end."),
  })
  .meta({ id: "Job" });

export const TaskFields = z
  .object({
    id: z.string(),
    jobId: z.string(),
    kind: z.enum(TASK_KINDS),
    state: z.enum(TASK_STATES),
    nodeId: z.string().nullable().describe("Null: the task is the repository's."),
    nodeName: z.string().nullable(),
    snapshotId: z.string().nullable().describe("What a restore brings back, or what an archive made."),
    diskMap: z
      .record(z.string(), z.string())
      .nullable()
      .describe("By serial number: where each of the snapshot's disks goes."),
    replacesLayout: z.boolean(),
    position: Count.describe("Of several tasks of one PC: the later begin when the earlier have succeeded."),
    localizationId: z.string().nullable(),
    step: z.string(),
    attempt: Count,
    doneBytes: ByteCount,
    totalBytes: ByteCount,
    startedAt: Moment.nullable(),
    finishedAt: Moment.nullable(),
    failure: Failure.nullable(),
    report: z.unknown(),
  })
  .meta({ id: "Task" });

export const JobWithTasks = JobFields.extend({ tasks: z.array(TaskFields) }).meta({ id: "JobWithTasks" });

export const JobCancelled = z.object({
  jobId: z.string(),
  state: z.enum(JOB_STATES).describe('"running" until its agents have heard of it.'),
});
