// `sheepfold masters list | release`: the snapshots that classrooms are made of.
import { randomUUID } from "node:crypto";
import { Command } from "commander";
import type { z } from "zod";
import type { ReleaseMade } from "#lib/queries/api/answers/snapshots.ts";
import { EXIT } from "../repo/exit-codes.ts";
import { table } from "../repo/output.ts";
import { runVerb } from "../repo/run-verb.ts";
import { type ConnectionOptions, connect, NOTHING_CHANGED, onlineVerb } from "./connection.ts";
import { showList } from "./lists.ts";
import type { ReleaseAnswer } from "./names.ts";

interface ReleaseOptions extends ConnectionOptions {
  readonly name: string;
  readonly note: string;
}

export function mastersCommand(): Command {
  return new Command("masters")
    .description("List masters, or make a snapshot the next release of one.")
    .addCommand(listCommand(), { isDefault: true })
    .addCommand(releaseCommand());
}

function listCommand(): Command {
  return onlineVerb("list", "List releases of masters, the newest of each first.").action(
    (options: ConnectionOptions) =>
      showList(options, async (api) => {
        const releases = await api.list<ReleaseAnswer>("/api/v1/masters");
        const rows = releases.map(({ masterName, number, snapshotId, nodeName, createdAt, note }) => [
          masterName,
          String(number),
          snapshotId,
          nodeName,
          createdAt,
          note,
        ]);
        const head = ["master", "release", "snapshot", "PC", "made", "what is new"];
        return { items: releases, words: () => table(head, rows, ["release"]) };
      }),
  );
}

function releaseCommand(): Command {
  return onlineVerb("release", "Make a snapshot the next release of a master.")
    .argument("<SNAPSHOT>", "id of a snapshot")
    .requiredOption("--name <NAME>", "the master's")
    .requiredOption("--note <TEXT>", "what is new in it")
    .action((snapshotId: string, options: ReleaseOptions) =>
      runVerb(
        options,
        async ({ output }) => {
          const api = await connect(options);
          const wish = { snapshotId, masterName: options.name, note: options.note };
          const { release } = await api.post<z.output<typeof ReleaseMade>>(
            "/api/v1/masters",
            wish,
            randomUUID(),
          );
          output.result(release, () => `It is release ${release.number} of ${release.masterName}.`);
          return EXIT.ok;
        },
        NOTHING_CHANGED,
      ),
    );
}
