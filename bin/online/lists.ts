// `sheepfold nodes`, `groups`, `snapshots`: what the server knows, as a table or, with --json, as the API's items.
import type { Command } from "commander";
import { InvalidArgumentError } from "commander";
import type { z } from "zod";
import { formatBytes } from "#lib/model/units.ts";
import type { SnapshotFields } from "#lib/queries/api/answers/snapshots.ts";
import { EXIT } from "../repo/exit-codes.ts";
import { table } from "../repo/output.ts";
import { runVerb } from "../repo/run-verb.ts";
import type { ApiClient } from "../stack/api-client.ts";
import { type ConnectionOptions, connect, NOTHING_CHANGED, onlineVerb } from "./connection.ts";
import { classroomIdOf, type GroupAnswer, type NodeAnswer, nodeIdOf } from "./names.ts";

type SnapshotAnswer = z.output<typeof SnapshotFields>;

const LIMIT_USUAL = 50;

export function nodesCommand(): Command {
  return onlineVerb("nodes", "List PCs.")
    .option("--classroom <NAME>", "only its PCs")
    .action((options: ConnectionOptions & { readonly classroom?: string }) =>
      showList(options, async (api) => {
        const { classroom } = options;
        const query = classroom === undefined ? "" : `?group=${await classroomIdOf(api, classroom)}`;
        const nodes = await api.list<NodeAnswer>(`/api/v1/nodes${query}`);
        const rows = nodes.map((node) => [
          node.name,
          node.groupName ?? "",
          node.seat === null ? "" : String(node.seat),
          node.lifeCycle,
          node.online ? "online" : "offline",
          node.lastSeenAt ?? "never",
        ]);
        const head = ["PC", "classroom", "seat", "state", "agent", "last heard"];
        return { items: nodes, words: () => table(head, rows, ["seat"]) };
      }),
    );
}

export function groupsCommand(): Command {
  return onlineVerb("groups", "List classrooms.").action((options: ConnectionOptions) =>
    showList(options, async (api) => {
      const groups = await api.list<GroupAnswer>("/api/v1/groups");
      const rows = groups.map(({ name, nodeCount }) => [name, String(nodeCount)]);
      return { items: groups, words: () => table(["classroom", "PCs"], rows, ["PCs"]) };
    }),
  );
}

export function snapshotsCommand(): Command {
  return withLimit(onlineVerb("snapshots", "List snapshots, the newest first."))
    .option("--node <NAME>", "only this PC's")
    .option("--job <ID>", "only what this job made")
    .action(
      (
        options: ConnectionOptions & {
          readonly node?: string;
          readonly job?: string;
          readonly limit: number;
        },
      ) =>
        showList(options, async (api) => {
          const { node, job, limit } = options;
          const query = new URLSearchParams({
            ...(node === undefined ? {} : { node: await nodeIdOf(api, node) }),
            ...(job === undefined ? {} : { job }),
          });
          const path = query.size === 0 ? "/api/v1/snapshots" : `/api/v1/snapshots?${query}`;
          const snapshots = await api.list<SnapshotAnswer>(path, limit);
          const rows = snapshots.map((snapshot) => [
            snapshot.id,
            snapshot.nodeName,
            snapshot.createdAt,
            formatBytes(snapshot.sizeBytes),
            formatBytes(snapshot.storedBytes),
            snapshot.verifyState,
            snapshot.pinReason === null ? snapshot.comment : `pinned: ${snapshot.pinReason}`,
          ]);
          const head = ["snapshot", "PC", "taken", "size", "stored", "verified", "comment"];
          return { items: snapshots, words: () => table(head, rows, ["size", "stored"]) };
        }),
    );
}

/** The option --limit of a list that grows without end. */
export function withLimit(command: Command): Command {
  return command.option("--limit <COUNT>", "how many at most", wholeNumber, LIMIT_USUAL);
}

export async function showList(
  options: ConnectionOptions,
  read: (api: ApiClient) => Promise<{ readonly items: readonly object[]; readonly words: () => string }>,
): Promise<void> {
  await runVerb(
    options,
    async ({ output }) => {
      const { items, words } = await read(await connect(options));
      output.result(items, words);
      return EXIT.ok;
    },
    NOTHING_CHANGED,
  );
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new InvalidArgumentError("It must be a positive whole number.");
}
