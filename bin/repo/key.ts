// `sheepfold repo key list|add|remove DIR`: who can open an encrypted repository. What is stored stays as it is.
import { hostname } from "node:os";
import { Command } from "commander";
import { addKey, type KeyInfo, listKeys, removeKey } from "#lib/engine/repository.ts";
import { EXIT } from "./exit-codes.ts";
import { newKey, wantedKey } from "./key-options.ts";
import type { OutputOptions } from "./output.ts";
import { newVerb, runVerb, type VerbContext } from "./run-verb.ts";
import { withStorage } from "./with-repository.ts";

interface AddOptions extends OutputOptions {
  readonly label: string;
  readonly newPassphraseFile?: string;
}

export function keyCommand(): Command {
  return new Command("key")
    .description("Who can open an encrypted repository: list, add and remove keys.")
    .addCommand(listCommand())
    .addCommand(addCommand())
    .addCommand(removeCommand());
}

function listCommand(): Command {
  return newVerb("list", "List the keys that open a repository. Needs none of them.")
    .argument("<DIR>", "folder of the repository")
    .action((dir: string, options: OutputOptions) => runVerb(options, (context) => list(dir, context)));
}

function addCommand(): Command {
  return newVerb("add", "Let another passphrase or key file open the repository.")
    .argument("<DIR>", "folder of the repository")
    .argument("<KEY>", "passphrase, or key-file:PATH (made when it is not there)")
    .requiredOption("--label <TEXT>", "whose it is or where it lies, for the list")
    .option(
      "--new-passphrase-file <PATH>",
      "a file whose first line is the new passphrase; asked for otherwise",
    )
    .action((dir: string, key: string, options: AddOptions) =>
      runVerb(options, (context) => add(dir, key, options, context)),
    );
}

function removeCommand(): Command {
  return newVerb("remove", "Let a key open the repository no longer. Needs another one that does.")
    .argument("<DIR>", "folder of the repository")
    .argument("<ID>", "as `repo key list` shows it")
    .action((dir: string, id: string, options: OutputOptions) =>
      runVerb(options, (context) => remove(dir, id, context)),
    );
}

async function list(dir: string, { output }: VerbContext) {
  const keys = await withStorage(dir, listKeys);
  output.result(keys, () =>
    keys.length === 0 ? "The repository is not encrypted." : keys.map(lineOf).join("\n"),
  );
  return EXIT.ok;
}

async function add(dir: string, text: string, options: AddOptions, { output }: VerbContext) {
  const added = await withStorage(dir, async (storage) => {
    const key = await wantedKey();
    const made = await newKey(text, options.newPassphraseFile);
    try {
      return await addKey({ storage, key, owner: owner() }, { key: made.key, label: options.label });
    } catch (error) {
      // The key at hand still opens the repository, whatever became of the new one.
      await made.forget();
      throw error;
    }
  });
  output.result(added, () => `Added: ${lineOf(added)}`);
  return EXIT.ok;
}

async function remove(dir: string, id: string, { output }: VerbContext) {
  const removed = await withStorage(dir, async (storage) =>
    removeKey({ storage, key: await wantedKey(), owner: owner() }, id),
  );
  output.result(
    removed,
    () => `Removed: ${lineOf(removed)}\nIt still opens copies of the repository that were made before.`,
  );
  return EXIT.ok;
}

function lineOf({ id, kind, label, createdAt }: KeyInfo): string {
  return `${id}  ${kind.padEnd(10)}  ${createdAt}  ${label}`;
}

function owner(): string {
  return `sheepfold ${process.pid} on ${hostname()}`;
}
