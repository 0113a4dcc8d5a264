// The file config of a repository that is there, or the word that there is none.
import { CodedError } from "#lib/model/errors.ts";
import { CONFIG_FILE, decodeConfig, type RepositoryConfig } from "./format/config-format.ts";
import type { Storage } from "./storage/storage.ts";

export async function readConfig(storage: Storage): Promise<RepositoryConfig> {
  const bytes = await storage.readFile(CONFIG_FILE);
  if (bytes !== null) return decodeConfig(bytes, storage.description);
  throw new CodedError(
    "repository-missing",
    `There is no repository at ${storage.description}: it has no file "config".`,
    {
      hint: "Check the path, or make a repository there first.",
    },
  );
}
