// sheepfold is the command line of Sheepfold. `sheepfold repo …` works on a repository folder directly and needs
// neither database nor queue nor network: with the folder and this program every snapshot can be had back. The other
// commands ask a server's API.
//
// The launcher sheepfold.mjs starts it on a Node that can run TypeScript; one file per verb lies in repo/.
import { Command, CommanderError } from "commander";
import { SHEEPFOLD_VERSION } from "#lib/model/version.ts";
import { EXIT, exitCodeTable } from "./repo/exit-codes.ts";
import { Output } from "./repo/output.ts";

const EXAMPLES = `
Examples:
  sheepfold repo init /srv/sheepfold
  sheepfold repo archive /srv/sheepfold /dev/sda2 --node pc01 --partition sda2 --comment "before the exam"
  sheepfold repo list /srv/sheepfold --node pc01
  sheepfold repo restore /srv/sheepfold snap_4k /dev/sda2
  sheepfold repo verify /srv/sheepfold
  sheepfold repo serve /srv/sheepfold snap_4k --nbd unix:/tmp/pc01.sock
  sheepfold snapshot classroom:LAB-A --server https://sheepfold.school --token-file token
  sheepfold roll-back pc01 --to 2026-05-04T07:30
  sheepfold clone SNAPSHOT --to classroom:LAB-A --server https://sheepfold.school --token-file token
`;

const commandLine = process.argv.slice(2);

/** In the order help lists them. Loading them all takes longer than many of them run. */
const VERBS: Readonly<Record<string, () => Promise<Command>>> = {
  init: async () => (await import("./repo/init.ts")).initCommand(),
  archive: async () => (await import("./repo/archive.ts")).archiveCommand(),
  list: async () => (await import("./repo/list.ts")).listCommand(),
  show: async () => (await import("./repo/show.ts")).showCommand(),
  restore: async () => (await import("./repo/restore.ts")).restoreCommand(),
  verify: async () => (await import("./repo/verify.ts")).verifyCommand(),
  stats: async () => (await import("./repo/stats.ts")).statsCommand(),
  evaluate: async () => (await import("./repo/evaluate.ts")).evaluateCommand(),
  "rebuild-index": async () => (await import("./repo/rebuild-index.ts")).rebuildIndexCommand(),
  pin: async () => (await import("./repo/pin.ts")).pinCommand(),
  unpin: async () => (await import("./repo/pin.ts")).unpinCommand(),
  prune: async () => (await import("./repo/prune.ts")).pruneCommand(),
  gc: async () => (await import("./repo/gc.ts")).gcCommand(),
  "re-segment": async () => (await import("./repo/re-segment.ts")).reSegmentCommand(),
  scrub: async () => (await import("./repo/scrub.ts")).scrubCommand(),
  heal: async () => (await import("./repo/heal.ts")).healCommand(),
  export: async () => (await import("./repo/export.ts")).exportCommand(),
  import: async () => (await import("./repo/import.ts")).importCommand(),
  serve: async () => (await import("./repo/serve.ts")).serveCommand(),
  adopt: async () => (await import("./repo/adopt.ts")).adoptCommand(),
  key: async () => (await import("./repo/key.ts")).keyCommand(),
};

/** Through a server's API. */
const ONLINE: Readonly<Record<string, () => Promise<Command>>> = {
  nodes: async () => (await import("./online/lists.ts")).nodesCommand(),
  groups: async () => (await import("./online/lists.ts")).groupsCommand(),
  snapshots: async () => (await import("./online/lists.ts")).snapshotsCommand(),
  jobs: async () => (await import("./online/jobs.ts")).jobsCommand(),
  masters: async () => (await import("./online/masters.ts")).mastersCommand(),
  variables: async () => (await import("./online/variables.ts")).variablesCommand(),
  snapshot: async () => (await import("./online/snapshot.ts")).snapshotCommand(),
  "roll-back": async () => (await import("./online/roll-back.ts")).rollBackCommand(),
  clone: async () => (await import("./online/clone.ts")).cloneCommand(),
  localize: async () => (await import("./online/clone.ts")).localizeCommand(),
};

async function main(): Promise<void> {
  // A reader that closes early (repo list | head) is no failure of ours, unless the verb has said so beforehand (export).
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(process.exitCode ?? EXIT.ok);
    throw error;
  });
  try {
    await (await program()).parseAsync(commandLine, { from: "user" });
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    process.exitCode = thrown.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
}

async function program(): Promise<Command> {
  const repo = new Command("repo").description("Work on a repository folder directly, offline.");
  const verbs = await Promise.all(wantedVerbs().map((load) => load()));
  for (const verb of verbs) repo.addCommand(verb);
  const online = await Promise.all(wantedOnline().map((load) => load()));
  const root = new Command("sheepfold")
    .description("Whole partitions of rooms of PCs, every PC's history, each distinct block stored once.")
    .version(SHEEPFOLD_VERSION, "-V, --version")
    .addCommand(repo);
  for (const command of online) root.addCommand(command);
  root.addHelpText("after", `${EXAMPLES}\n${exitCodeTable()}`);
  const nested = [...online, ...verbs].flatMap((verb) => verb.commands);
  for (const command of [root, repo, ...online, ...verbs, ...nested]) throwInsteadOfExit(command);
  return root;
}

/** The one that is asked for; all of them where help, or a suggestion after a mistake, needs them. */
function wantedVerbs(): (() => Promise<Command>)[] {
  const [group, verb = ""] = commandLine;
  const wanted = group === "repo" && Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined;
  return wanted === undefined ? Object.values(VERBS) : [wanted];
}

function wantedOnline(): (() => Promise<Command>)[] {
  const [verb = ""] = commandLine;
  if (verb === "repo") return [];
  const wanted = Object.hasOwn(ONLINE, verb) ? ONLINE[verb] : undefined;
  return wanted === undefined ? Object.values(ONLINE) : [wanted];
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
