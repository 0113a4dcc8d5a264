// Where the key of an encrypted repository comes from: --key-file, --passphrase-file, the environment, or a question on the
// terminal, in this order. Secrets are never arguments: every user of the computer can read those.
//
// A program runs one verb: what its command line says is kept here, so that verbs need not hand it on.
import { readFile, rm } from "node:fs/promises";
import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import type { Command } from "commander";
import { type KeySource, makeKeyFile, type RepositoryKey, readKeyFile } from "#lib/engine/repository.ts";
import { CodedError } from "#lib/model/errors.ts";

export interface KeyOptions {
  readonly keyFile?: string;
  readonly passphraseFile?: string;
}

const PASSPHRASE_BYTES_MAX = 4096;
const KEY_FILE_PREFIX = "key-file:";

let chosen: KeyOptions = {};

/** Gives a verb the options, and remembers what they say before the verb begins. */
export function withKeyOptions(verb: Command): Command {
  return verb
    .option("--key-file <PATH>", "of an encrypted repository: a key file that opens it")
    .option(
      "--passphrase-file <PATH>",
      "of an encrypted repository: a file whose first line is its passphrase",
    )
    .hook("preAction", () => {
      chosen = verb.opts<KeyOptions>();
    });
}

/** For openRepository. A key that is named must be needed. One of the environment, which may be there for another repository, must
 *  be needed only for writing: nothing is to be archived in clear that its owner believes is encrypted. */
export async function keySource(access: "read" | "write"): Promise<KeySource> {
  const named = await keyOf(chosen);
  if (named !== null) return named;
  const ambient = await ambientKey();
  if (ambient !== null && access === "write") return ambient;
  return async () => ambient ?? (isOnTerminal() ? askPassphrase("Passphrase of the repository: ") : null);
}

/** The key without a question; null when none is given. */
export async function givenKey(): Promise<RepositoryKey | null> {
  return (await keyOf(chosen)) ?? (await ambientKey());
}

/** The key, asked for if need be and possible. */
export async function wantedKey(): Promise<RepositoryKey | null> {
  const key = await givenKey();
  return key ?? (isOnTerminal() ? askPassphrase("Passphrase of the repository: ") : null);
}

export interface NewKey {
  readonly key: RepositoryKey;
  /** For when nothing came of it: removes the key file that was made. One that was there before stays. */
  forget(): Promise<void>;
}

/** A key that is to be one from now on: `passphrase`, or `key-file:PATH`, which is made when it is not there. */
export async function newKey(text: string, passphraseFile: string | undefined): Promise<NewKey> {
  if (text.startsWith(KEY_FILE_PREFIX) && text.length > KEY_FILE_PREFIX.length) {
    return existingOrNewKeyFile(text.slice(KEY_FILE_PREFIX.length));
  }
  if (text !== "passphrase") {
    throw new CodedError("input-invalid", `${JSON.stringify(text)} is no kind of key.`, {
      hint: "Use passphrase, or key-file:PATH.",
    });
  }
  if (passphraseFile !== undefined) return kept(await passphraseIn(passphraseFile));
  if (!isOnTerminal()) {
    throw new CodedError("key-missing", "There is no terminal to ask for the new passphrase.", {
      hint: "Write it to a file only you can read and name that file.",
    });
  }
  const first = await askPassphrase("New passphrase: ");
  const second = await askPassphrase("The same again: ");
  if (first.passphrase === second.passphrase) return kept(first);
  throw new CodedError("input-invalid", "The two passphrases differ.", {
    hint: "Try again; nothing was changed.",
  });
}

/** A key that was there before. */
export function kept(key: RepositoryKey): NewKey {
  return { key, forget: async () => undefined };
}

async function existingOrNewKeyFile(path: string): Promise<NewKey> {
  try {
    return kept(await readKeyFile(path));
  } catch (error) {
    const isAbsent = error instanceof CodedError && (error.cause as NodeJS.ErrnoException)?.code === "ENOENT";
    if (!isAbsent) throw error;
    return { key: await makeKeyFile(path), forget: () => rm(path, { force: true }) };
  }
}

async function ambientKey(): Promise<RepositoryKey | null> {
  const { SHEEPFOLD_KEY_FILE: keyFile, SHEEPFOLD_PASSPHRASE: passphrase } = process.env;
  if (keyFile !== undefined && keyFile !== "") return readKeyFile(keyFile);
  return passphrase === undefined || passphrase === "" ? null : { kind: "passphrase", passphrase };
}

async function keyOf({ keyFile, passphraseFile }: KeyOptions): Promise<RepositoryKey | null> {
  if (keyFile !== undefined && passphraseFile !== undefined) {
    throw new CodedError("input-invalid", "--key-file and --passphrase-file do not go together.", {
      hint: "One key is enough: leave one of them out.",
    });
  }
  if (keyFile !== undefined) return readKeyFile(keyFile);
  return passphraseFile === undefined ? null : passphraseIn(passphraseFile);
}

async function passphraseIn(path: string): Promise<RepositoryKey> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CodedError("key-missing", `The passphrase file ${path} cannot be read: ${reason}.`, {
      hint: "Check the path.",
      cause: error,
    });
  }
  const [passphrase = ""] = bytes.toString("utf8", 0, PASSPHRASE_BYTES_MAX).split(/\r?\n/);
  return { kind: "passphrase", passphrase };
}

// Asking --------------------------------------------------------------------------------------------------------

function isOnTerminal(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

function askPassphrase(question: string): Promise<RepositoryKey & { readonly kind: "passphrase" }> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  process.stderr.write(question);
  return new Promise((resolve, reject) => {
    const end = (then: () => void) => {
      process.stderr.write("\n");
      lines.removeAllListeners();
      lines.close();
      then();
    };
    lines.once("line", (passphrase) => end(() => resolve({ kind: "passphrase", passphrase })));
    const givenUp = new CodedError("key-missing", "No passphrase was given.", {
      hint: "Run the command again, or give --passphrase-file or --key-file.",
    });
    lines.once("SIGINT", () => end(() => reject(givenUp)));
    lines.once("close", () => end(() => reject(givenUp)));
  });
}
