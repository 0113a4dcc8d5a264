// `sheepfold snapshot NODE | classroom:NAME`: the same job as the button, waited for.
import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import { EXIT } from "../repo/exit-codes.ts";
import { runVerb } from "../repo/run-verb.ts";
import { AFTER_INTERRUPTION, type ConnectionOptions, connect, onlineVerb } from "./connection.ts";
import { waitForJob } from "./job-output.ts";
import { targetOf } from "./names.ts";

interface SnapshotOptions extends ConnectionOptions {
  readonly comment?: string;
  readonly technique?: string;
  readonly compression?: string;
  readonly base?: string;
  readonly wait: boolean;
}

export function snapshotCommand(): Command {
  return onlineVerb("snapshot", "Take a snapshot of a PC or of every PC of a classroom.")
    .argument("<TARGET>", "name of a PC, or classroom:NAME")
    .option("--comment <TEXT>", "why it is taken")
    .option("--technique <TECHNIQUE>", "full, diff or repository; else the repository's choice")
    .option("--compression <WORDS>", "none, gzip or zstd, with a level such as zstd:9")
    .option("--base <BASE>", "of a diff: previous, first, or for one PC the id of a snapshot")
    .option("--no-wait", "do not wait for its end; print the job's id")
    .action((word: string, options: SnapshotOptions) =>
      runVerb(
        options,
        async (context) => {
          const api = await connect(options);
          const target = await targetOf(api, word);
          const path = "groupId" in target ? `groups/${target.groupId}` : `nodes/${target.nodeId}`;
          const { comment, technique, compression, base } = options;
          const { jobId } = await api.post<{ jobId: string }>(
            `/api/v1/${path}/snapshots`,
            { comment, technique, compression, base },
            randomUUID(),
          );
          if (options.wait) return waitForJob(api, jobId, context);
          context.output.result({ jobId }, () => jobId);
          return EXIT.ok;
        },
        AFTER_INTERRUPTION,
      ),
    );
}
