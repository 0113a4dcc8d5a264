// `sheepfold jobs list | show | cancel | retry`: what the server is doing and has done. With --watch a command waits for the job's end,
// and its exit code says how it ended.
import { randomUUID } from "node:crypto";
import { Command, Option } from "commander";
import type { z } from "zod";
import { JOB_STATES, type JobState } from "#lib/model/job.ts";
import type { JobFields } from "#lib/queries/api/answers/jobs.ts";
import { EXIT, type ExitCode } from "../repo/exit-codes.ts";
import { facts, table } from "../repo/output.ts";
import { runVerb, type VerbContext } from "../repo/run-verb.ts";
import type { ApiClient, JobView } from "../stack/api-client.ts";
import {
  AFTER_INTERRUPTION,
  type ConnectionOptions,
  connect,
  NOTHING_CHANGED,
  onlineVerb,
} from "./connection.ts";
import { tasksInWords, waitForJob } from "./job-output.ts";
import { showList, withLimit } from "./lists.ts";

type JobAnswer = z.output<typeof JobFields>;

interface OneJobOptions extends ConnectionOptions {
  readonly watch?: boolean;
}

export function jobsCommand(): Command {
  return new Command("jobs")
    .description("List jobs, show one, cancel it, or do again what failed of it.")
    .addCommand(listCommand(), { isDefault: true })
    .addCommand(oneJob("show", "Show a job with what became of each PC.", showJob))
    .addCommand(oneJob("cancel", "Cancel a job.", cancelJob))
    .addCommand(oneJob("retry", "A new job with what did not succeed of an ended one.", retryJob));
}

function listCommand(): Command {
  return withLimit(onlineVerb("list", "List jobs, the newest first."))
    .addOption(new Option("--state <STATE>", "only jobs in this state").choices([...JOB_STATES]))
    .action((options: ConnectionOptions & { readonly state?: JobState; readonly limit: number }) =>
      showList(options, async (api) => {
        const query = options.state === undefined ? "" : `?state=${options.state}`;
        const jobs = await api.list<JobAnswer>(`/api/v1/jobs${query}`, options.limit);
        const rows = jobs.map(({ id, createdAt, state, title }) => [id, createdAt, state, title]);
        return { items: jobs, words: () => table(["job", "wished", "state", "what"], rows) };
      }),
    );
}

type Deed = (api: ApiClient, jobId: string, watch: boolean, context: VerbContext) => Promise<ExitCode>;

function oneJob(name: string, summary: string, deed: Deed): Command {
  return onlineVerb(name, summary)
    .argument("<JOB>", "id of a job")
    .option("--watch", "wait for the job's end; the exit code says how it ended")
    .action((jobId: string, options: OneJobOptions) =>
      runVerb(
        options,
        async (context) => deed(await connect(options), jobId, options.watch === true, context),
        name === "show" ? NOTHING_CHANGED : AFTER_INTERRUPTION,
      ),
    );
}

async function showJob(
  api: ApiClient,
  jobId: string,
  watch: boolean,
  context: VerbContext,
): Promise<ExitCode> {
  if (watch) return waitForJob(api, jobId, context);
  const job = await api.get<JobView>(`/api/v1/jobs/${encodeURIComponent(jobId)}`);
  context.output.result(job, () => jobInWords(job));
  return EXIT.ok;
}

async function cancelJob(
  api: ApiClient,
  jobId: string,
  watch: boolean,
  context: VerbContext,
): Promise<ExitCode> {
  const answer = await api.post<{ jobId: string; state: JobState }>(
    `/api/v1/jobs/${encodeURIComponent(jobId)}/cancel`,
    {},
  );
  // Here a cancelled job is what was wished.
  const state = watch ? (await api.followJob(jobId, () => undefined, context.signal)).state : answer.state;
  context.output.result({ ...answer, state }, () =>
    state === "running" ? "It ends as soon as its PCs have heard of it." : `The job is ${state}.`,
  );
  return EXIT.ok;
}

async function retryJob(
  api: ApiClient,
  jobId: string,
  watch: boolean,
  context: VerbContext,
): Promise<ExitCode> {
  const path = `/api/v1/jobs/${encodeURIComponent(jobId)}/retry`;
  const made = await api.post<{ jobId: string }>(path, {}, randomUUID());
  if (watch) return waitForJob(api, made.jobId, context);
  context.output.result(made, () => made.jobId);
  return EXIT.ok;
}

function jobInWords(job: JobView): string {
  const about = facts([
    ["job", job.id],
    ["what", job.title],
    ["state", job.state],
    ...(job.failure === null ? [] : ([["why", job.failure.message]] as const)),
  ]);
  return job.tasks.length === 0 ? about : `${about}\n\n${tasksInWords(job)}`;
}
