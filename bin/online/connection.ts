// How the commands that ask a server's API reach it: the address, and a file with a token. Tokens are no arguments, because everybody
// on a computer can read those.
import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { CodedError } from "#lib/model/errors.ts";
import type { OutputOptions } from "../repo/output.ts";
import { plainVerb } from "../repo/run-verb.ts";
import { ApiClient } from "../stack/api-client.ts";

export interface ConnectionOptions extends OutputOptions {
  readonly server?: string;
  readonly tokenFile?: string;
}

/** What Ctrl-C leaves while a job is waited for. */
export const AFTER_INTERRUPTION =
  "A job that was begun goes on: see it in the dashboard or with jobs show, and cancel it if it must stop.";
/** What Ctrl-C leaves while something is only asked. */
export const NOTHING_CHANGED = "Nothing was changed.";

/** A command with the options every online command has. */
export function onlineVerb(name: string, summary: string): Command {
  return plainVerb(name, summary)
    .option("--server <URL>", "the dashboard's address (or SHEEPFOLD_URL)")
    .option("--token-file <FILE>", "holds an API token from the settings page (or SHEEPFOLD_TOKEN_FILE)");
}

export async function connect({ server, tokenFile }: ConnectionOptions): Promise<ApiClient> {
  const url = server ?? process.env.SHEEPFOLD_URL;
  const file = tokenFile ?? process.env.SHEEPFOLD_TOKEN_FILE;
  if (url === undefined || !URL.canParse(url))
    throw missing("--server", "the dashboard's address, such as https://sheepfold.school");
  if (file === undefined)
    throw missing("--token-file", "a file that holds an API token; make one under Settings");
  const token = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new CodedError("input-invalid", `The token file ${file} cannot be read.`, {
      hint: "Check path and permissions.",
      cause,
    });
  });
  const api = new ApiClient(new URL(url).origin);
  api.authorize(token.trim());
  return api;
}

function missing(option: string, what: string): CodedError {
  return new CodedError("input-invalid", `${option} is missing.`, { hint: `Give ${what}.` });
}
