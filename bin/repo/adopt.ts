// `sheepfold repo adopt DIR`: make the database's rows of a repository again from the repository: its snapshots, their images with technique,
// base and sizes, and a node for each name that has none. Beside a running worker it does no harm.

import { resolve } from "node:path";
import type { Command } from "commander";
import type { AdoptionPlan, Store } from "#lib/db/adoption.ts";
import { CodedError } from "#lib/model/errors.ts";
import { EXIT } from "./exit-codes.ts";
import type { OutputOptions } from "./output.ts";
import { newVerb, runVerb, type VerbContext } from "./run-verb.ts";
import { withRepository } from "./with-repository.ts";

interface AdoptOptions extends OutputOptions {
  readonly dryRun?: boolean;
}

export function adoptCommand(): Command {
  return newVerb(
    "adopt",
    "Make the database's rows of a repository again from the repository (DATABASE_URL).",
  )
    .argument("<DIR>", "folder of the repository")
    .option("--dry-run", "only say what would be recorded")
    .action((dir: string, options: AdoptOptions) =>
      runVerb(
        options,
        (context) => adoptStore(dir, options, context),
        "What was recorded stays. Run the same command again to go on.",
      ),
    );
}

async function adoptStore(dir: string, options: AdoptOptions, { output }: VerbContext) {
  // The only verb that needs the environment and a database: the others must not wait for these to load.
  const { environment } = await import("#lib/env.ts");
  const databaseUrl = environment("DATABASE_URL");
  const store: Store = await withRepository(dir, "read", async (repository) => {
    const { id, blockSize, technique } = repository.info;
    return { id, blockSize, technique, path: resolve(dir), snapshots: repository.snapshots() };
  });
  const isDry = options.dryRun === true;
  const { adopt, planAdoptionOf } = await import("#lib/db/adoption.ts");
  const { closeDatabase } = await import("#lib/db/client.ts");
  const { applyMigrations } = await import("#lib/db/migrate.ts");
  try {
    if (!isDry) await applyMigrations(databaseUrl);
    const plan = await planAdoptionOf(store).catch(namingMissingTables);
    if (!isDry) await adopt(store, plan);
    output.result(resultOf(store, plan, isDry), () => inWords(plan, isDry));
    return EXIT.ok;
  } finally {
    await closeDatabase();
  }
}

/** Only a dry run meets a database without tables: adopting makes them. */
function namingMissingTables(error: unknown): never {
  const isMissing = error instanceof Error && "code" in error && error.code === "P2021"; // Prisma's for a missing table.
  if (!isMissing) throw error;
  throw new CodedError(
    "environment-invalid",
    "The database that DATABASE_URL names has no tables of Sheepfold.",
    {
      hint: "Adopt without --dry-run, which makes them, or check DATABASE_URL.",
      cause: error,
    },
  );
}

function resultOf(store: Store, plan: AdoptionPlan, isDry: boolean) {
  return {
    dryRun: isDry,
    repositoryId: store.id,
    snapshotCount: store.snapshots.length,
    repositoryIsNew: plan.repositoryIsNew,
    recordedIds: plan.unrecorded.map(({ id }) => id),
    correctedIds: plan.differing.map(({ id }) => id),
    goneIds: plan.goneIds,
    newNodes: plan.newNodes,
  };
}

function inWords(plan: AdoptionPlan, isDry: boolean): string {
  const would = isDry ? "would be " : "";
  const lines = [
    `${plan.unrecorded.length} snapshots ${would}recorded, ${plan.differing.length} ${would}corrected.`,
  ];
  if (plan.newNodes.length > 0) {
    lines.push(
      `${plan.newNodes.length} nodes ${would}made in the classroom "adopted": ${plan.newNodes.join(", ")}.`,
      "A PC that enrols under such a name takes its history over.",
    );
  }
  if (plan.goneIds.length > 0) {
    lines.push(`${plan.goneIds.length} rows have no snapshot in the store: ${plan.goneIds.join(", ")}.`);
  }
  return lines.join("\n");
}
