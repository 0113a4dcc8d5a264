// sheepfold is the command line of Sheepfold. `sheepfold repo …` works on a repository folder directly and needs
// neither database nor queue nor network: with the folder and this program every snapshot can be had back.
//
// The launcher sheepfold.mjs starts it on a Node that can run TypeScript; one file per verb lies in repo/.
import { Command, CommanderError } from "commander";
import { SHEEPFOLD_VERSION } from "#lib/model/version.ts";
import { adoptCommand } from "./repo/adopt.ts";
import { archiveCommand } from "./repo/archive.ts";
import { evaluateCommand } from "./repo/evaluate.ts";
import { EXIT, exitCodeTable } from "./repo/exit-codes.ts";
import { exportCommand } from "./repo/export.ts";
import { gcCommand } from "./repo/gc.ts";
import { importCommand } from "./repo/import.ts";
import { initCommand } from "./repo/init.ts";
import { keyCommand } from "./repo/key.ts";
import { listCommand } from "./repo/list.ts";
import { Output } from "./repo/output.ts";
import { pinCommand, unpinCommand } from "./repo/pin.ts";
import { pruneCommand } from "./repo/prune.ts";
import { reSegmentCommand } from "./repo/re-segment.ts";
import { rebuildIndexCommand } from "./repo/rebuild-index.ts";
import { restoreCommand } from "./repo/restore.ts";
import { scrubCommand } from "./repo/scrub.ts";
import { serveCommand } from "./repo/serve.ts";
import { showCommand } from "./repo/show.ts";
import { statsCommand } from "./repo/stats.ts";
import { verifyCommand } from "./repo/verify.ts";

const EXAMPLES = `
Examples:
  sheepfold repo init /srv/sheepfold
  sheepfold repo archive /srv/sheepfold /dev/sda2 --node pc01 --partition sda2 --comment "before the exam"
  sheepfold repo list /srv/sheepfold --node pc01
  sheepfold repo restore /srv/sheepfold snap_4k /dev/sda2
  sheepfold repo verify /srv/sheepfold
  sheepfold repo serve /srv/sheepfold snap_4k --nbd unix:/tmp/pc01.sock
`;

const commandLine = process.argv.slice(2);

async function main(): Promise<void> {
  // A reader that closes early (repo list | head) is no failure of ours, unless the verb has said so beforehand (export).
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(process.exitCode ?? EXIT.ok);
    throw error;
  });
  try {
    await program().parseAsync(commandLine, { from: "user" });
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    process.exitCode = thrown.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
}

function program(): Command {
  const repo = new Command("repo").description("Work on a repository folder directly, offline.");
  const verbs = [
    initCommand(),
    archiveCommand(),
    listCommand(),
    showCommand(),
    restoreCommand(),
    verifyCommand(),
    statsCommand(),
    evaluateCommand(),
    rebuildIndexCommand(),
    pinCommand(),
    unpinCommand(),
    pruneCommand(),
    gcCommand(),
    reSegmentCommand(),
    scrubCommand(),
    exportCommand(),
    importCommand(),
    serveCommand(),
    adoptCommand(),
    keyCommand(),
  ];
  for (const verb of verbs) repo.addCommand(verb);
  const root = new Command("sheepfold")
    .description("Whole partitions of rooms of PCs, every PC's history, each distinct block stored once.")
    .version(SHEEPFOLD_VERSION, "-V, --version")
    .addCommand(repo)
    .addHelpText("after", `${EXAMPLES}\n${exitCodeTable()}`);
  for (const command of [root, repo, ...verbs, ...verbs.flatMap((verb) => verb.commands)])
    throwInsteadOfExit(command);
  return root;
}

/** Commander would write and exit by itself; we keep the promise that with --json stderr is JSON lines. */
function throwInsteadOfExit(command: Command): void {
  command.exitOverride().showSuggestionAfterError();
  if (!commandLine.includes("--json")) return;
  const output = new Output({ json: true });
  command.configureOutput({
    writeErr: () => undefined,
    outputError: (text) => {
      const message = text.trim().replace(/^error: /, "");
      const hint = `Run sheepfold ${commandPath(command)} --help for the options.`;
      output.error({ code: "input-invalid", message, hint });
    },
  });
}

function commandPath(command: Command): string {
  const parent = command.parent;
  return parent === null || parent.parent === null ? command.name() : `${parent.name()} ${command.name()}`;
}

await main();
