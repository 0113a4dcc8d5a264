// `sheepfold repo pin DIR SNAPSHOT --reason TEXT` and `repo unpin DIR SNAPSHOT`: a pinned snapshot is never pruned.
import type { Command } from "commander";
import { EXIT } from "./exit-codes.ts";
import { findSnapshot } from "./image-entry.ts";
import type { OutputOptions } from "./output.ts";
import { newVerb, runVerb, type VerbContext } from "./run-verb.ts";
import { withRepository } from "./with-repository.ts";

interface PinOptions extends OutputOptions {
  readonly reason: string;
}

export function pinCommand(): Command {
  return newVerb("pin", "Pin a snapshot, so that prune leaves it alone.")
    .argument("<DIR>", "folder of the repository")
    .argument("<SNAPSHOT>", "id, or an unambiguous beginning of it")
    .requiredOption("--reason <TEXT>", "why it must stay; shown to whoever wants to remove it")
    .action((dir: string, reference: string, options: PinOptions) =>
      runVerb(options, (context) => pin(dir, reference, options, context)),
    );
}

export function unpinCommand(): Command {
  return newVerb("unpin", "Let a pinned snapshot be pruned again.")
    .argument("<DIR>", "folder of the repository")
    .argument("<SNAPSHOT>", "id, or an unambiguous beginning of it")
    .action((dir: string, reference: string, options: OutputOptions) =>
      runVerb(options, (context) => unpin(dir, reference, context)),
    );
}

async function pin(dir: string, reference: string, { reason }: PinOptions, { output }: VerbContext) {
  const made = await withRepository(dir, "write", (repository) =>
    repository.pin(findSnapshot(repository, reference).snapshot.id, reason),
  );
  output.result(made, () => `Snapshot ${made.snapshotId} is pinned: ${made.reason}`);
  return EXIT.ok;
}

async function unpin(dir: string, reference: string, { output }: VerbContext) {
  const done = await withRepository(dir, "write", async (repository) => {
    const { id } = findSnapshot(repository, reference).snapshot;
    return { snapshotId: id, wasPinned: await repository.unpin(id) };
  });
  output.result(done, () =>
    done.wasPinned
      ? `Snapshot ${done.snapshotId} is no longer pinned.`
      : `Snapshot ${done.snapshotId} was not pinned.`,
  );
  return EXIT.ok;
}
