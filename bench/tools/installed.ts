// Which peers there are, and which of them are installed here. A missing one is said, never left out in silence.
import { borgDefault, borgFixed, bup, casync, restic } from "./deduplicating.ts";
import { sheepfold } from "./sheepfold.ts";
import { type Candidate, type Tool, versionOf } from "./tool.ts";
import { gzip, partclone, zstd } from "./whole-images.ts";

const PEERS: readonly Candidate[] = [borgFixed, borgDefault, restic, casync, bup, gzip, zstd, partclone];

export interface Choice {
  /** "sheepfold" or a peer's name; null: everything. */
  readonly only: string | null;
  /** Names of peers; null: all. */
  readonly peers: readonly string[] | null;
}

export async function installedTools(
  folder: string,
  choice: Choice,
): Promise<{ tools: Tool[]; missing: string[] }> {
  const names = ["sheepfold", ...PEERS.map(({ name }) => name)];
  const unknown = [choice.only ?? [], choice.peers ?? []].flat().filter((name) => !names.includes(name));
  if (unknown.length > 0)
    throw new Error(`Unknown tool ${unknown.join(", ")}. There are ${names.join(", ")}.`);
  const isWanted = (name: string) =>
    (choice.only === null || choice.only === name) &&
    (name === "sheepfold" || choice.peers === null || choice.peers.includes(name));
  const tools = isWanted("sheepfold") ? [await sheepfold(folder)] : [];
  const missing: string[] = [];
  for (const { name, program, versionArgs, debianPackage, make } of PEERS) {
    if (!isWanted(name)) continue;
    const version = await versionOf(program, versionArgs);
    if (version === null) missing.push(`${name} (Debian package ${debianPackage})`);
    else tools.push(make(folder, version));
  }
  return { tools, missing };
}
