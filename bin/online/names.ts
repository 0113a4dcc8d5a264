// People write names, the API wants ids. What is not there is refused with the names that are.
import type { z } from "zod";
import { CodedError } from "#lib/model/errors.ts";
import type { GroupWithCount, NodeFields } from "#lib/queries/api/answers/nodes.ts";
import type { ReleaseListed } from "#lib/queries/api/answers/snapshots.ts";
import type { ApiClient } from "../stack/api-client.ts";

export type NodeAnswer = z.output<typeof NodeFields>;
export type GroupAnswer = z.output<typeof GroupWithCount>;
export type ReleaseAnswer = z.output<typeof ReleaseListed>;

const CLASSROOM = "classroom:";
const MASTER = "master:";
const NAMES_SHOWN_MAX = 20;

export type Targets = { readonly groupId: string } | { readonly nodeIds: string[] };

/** "classroom:NAME", or names of PCs. */
export async function targetsOf(api: ApiClient, words: readonly string[]): Promise<Targets> {
  const [first = "", ...others] = words;
  if (first.startsWith(CLASSROOM)) {
    if (others.length > 0)
      throw new CodedError("input-invalid", "Give one classroom, or names of PCs, not both.");
    return { groupId: await classroomIdOf(api, first.slice(CLASSROOM.length)) };
  }
  const nodes = await api.list<NodeAnswer>("/api/v1/nodes");
  return { nodeIds: words.map((name) => idOf(nodes, name, "PC", "node-unknown")) };
}

/** "classroom:NAME", or the name of one PC. */
export async function targetOf(
  api: ApiClient,
  word: string,
): Promise<{ readonly groupId: string } | { readonly nodeId: string }> {
  const targets = await targetsOf(api, [word]);
  return "groupId" in targets ? targets : { nodeId: targets.nodeIds[0] ?? "" };
}

export async function classroomIdOf(api: ApiClient, name: string): Promise<string> {
  return idOf(await api.list<GroupAnswer>("/api/v1/groups"), name, "classroom", "classroom-unknown");
}

export async function nodeIdOf(api: ApiClient, name: string): Promise<string> {
  return idOf(await api.list<NodeAnswer>("/api/v1/nodes"), name, "PC", "node-unknown");
}

/** The id of a snapshot, or "master:NAME" for that of its newest release. */
export async function snapshotIdOf(api: ApiClient, source: string): Promise<string> {
  if (!source.startsWith(MASTER)) return source;
  const name = source.slice(MASTER.length);
  const releases = await api.list<ReleaseAnswer>("/api/v1/masters");
  const newest = releases.find(({ masterName }) => masterName === name);
  if (newest !== undefined) return newest.snapshotId;
  const names = [...new Set(releases.map(({ masterName }) => masterName))].join(", ") || "none";
  throw new CodedError("release-unknown", `There is no master "${name}".`, { hint: `There are: ${names}.` });
}

function idOf(
  items: readonly { readonly id: string; readonly name: string }[],
  name: string,
  what: string,
  code: "classroom-unknown" | "node-unknown",
): string {
  const found = items.find((item) => item.name === name);
  if (found !== undefined) return found.id;
  const names = items.map((item) => item.name).slice(0, NAMES_SHOWN_MAX);
  throw new CodedError(code, `There is no ${what} "${name}".`, {
    hint: `There are: ${names.join(", ") || "none"}.`,
  });
}
