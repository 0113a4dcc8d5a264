// The page of variables: the grid of one classroom under what holds for it and for all, which classrooms there are, and what PCs
// elsewhere have where no two may have the same.
import "server-only";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/viewer.ts";
import { type NodePlace, readVariables, type VariablesNow } from "#lib/db/variables.ts";
import { BUILT_IN_NAMES } from "#lib/localize/content.ts";
import { IDENTITY_NAMES } from "#lib/localize/identity-files.ts";
import { namedDuplicates, resolveAll } from "#lib/localize/resolve-all.ts";
import { namesIn } from "#lib/localize/templates.ts";
import type { GridColumn, GridRow, NamedDuplicate } from "#lib/model/variable-grid.ts";
import { classroomRow, everywhereRow, gridColumns, nodeRows } from "./variable-rows.ts";

/** In the address bar: the PCs that stand in no classroom. */
export const NO_ROOM = "none";

export interface RoomChoice {
  /** A classroom's id, or NO_ROOM. */
  readonly id: string;
  readonly name: string;
  readonly nodeCount: number;
}

export interface IdentityFileView {
  readonly id: string;
  /** "" for all classrooms. */
  readonly groupId: string;
  readonly groupName: string | null;
  readonly path: string;
  readonly template: string;
  /** What it asks for. */
  readonly names: readonly string[];
}

export interface VariablesView {
  readonly rooms: readonly RoomChoice[];
  /** Null while there is neither a classroom nor a PC. */
  readonly room: RoomChoice | null;
  readonly columns: readonly GridColumn[];
  readonly everywhere: GridRow;
  readonly classroom: GridRow | null;
  readonly nodes: readonly GridRow[];
  /** Of names that no two PCs may share: by name, by value in lower case, the PCs of other rooms that have it. */
  readonly elsewhere: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
  /** Over all PCs. */
  readonly duplicates: readonly NamedDuplicate[];
  readonly files: readonly IdentityFileView[];
  /** With a meaning of their own, and not there yet. */
  readonly suggestedNames: readonly { readonly name: string; readonly note: string }[];
  /** For {{…}} in an identity file. */
  readonly usableNames: readonly { readonly name: string; readonly note: string }[];
}

const BUILT_IN_NOTES: Readonly<Record<(typeof BUILT_IN_NAMES)[number], string>> = {
  node_name: "the PC’s name here",
  classroom_name: "its classroom’s name",
  seat: "its place in the room",
};

const IDENTITY_NOTES: Readonly<Record<keyof typeof IDENTITY_NAMES, string>> = {
  hostName: "the PC’s name on the network",
  address: "with its length, such as 10.1.0.17/24; without it, DHCP",
  networkCard: "of the wired card, as Linux calls it, such as enp0s31f6",
  gateway: "of the network",
  nameServers: "addresses, separated by commas",
  domain: "behind the host name",
  timeZone: "such as Europe/Vienna",
};

/** `roomId` comes from the address bar: one that is unknown counts as not chosen. */
export async function variablesView(viewer: Viewer, roomId: string | null): Promise<VariablesView> {
  permit(viewer, "read");
  const now = await readVariables();
  const rooms = roomsOf(now);
  const room =
    rooms.find(({ id }) => id === roomId) ?? rooms.find(({ nodeCount }) => nodeCount > 0) ?? rooms[0] ?? null;
  const group = now.groups.find(({ id }) => id === room?.id) ?? null;
  const isHere = ({ groupId }: NodePlace) => room !== null && groupId === (group?.id ?? null);
  return {
    rooms,
    room,
    columns: gridColumns(now),
    everywhere: everywhereRow(now),
    classroom: group === null ? null : classroomRow(now, group),
    nodes: nodeRows(now, now.nodes.filter(isHere)),
    elsewhere: valuesElsewhere(
      now,
      now.nodes.filter((node) => !isHere(node)),
    ),
    duplicates: namedDuplicates(now.nodes, now.names, now.variables),
    files: filesOf(now),
    suggestedNames: suggestedNames(now),
    usableNames: [
      ...BUILT_IN_NAMES.map((name) => ({ name, note: BUILT_IN_NOTES[name] })),
      ...now.names.map(({ name, note }) => ({ name, note })),
    ],
  };
}

function suggestedNames({ names }: VariablesNow): VariablesView["suggestedNames"] {
  const known = new Set(names.map(({ name }) => name));
  const keys = Object.keys(IDENTITY_NOTES) as (keyof typeof IDENTITY_NAMES)[]; // a record over exactly these
  return keys
    .map((key) => ({ name: IDENTITY_NAMES[key], note: IDENTITY_NOTES[key] }))
    .filter(({ name }) => !known.has(name));
}

function roomsOf({ groups, nodes }: VariablesNow): RoomChoice[] {
  const countOf = (groupId: string | null) => nodes.filter((node) => node.groupId === groupId).length;
  const rooms = groups.map(({ id, name }) => ({ id, name, nodeCount: countOf(id) }));
  const withoutRoom = countOf(null);
  return withoutRoom === 0
    ? rooms
    : [...rooms, { id: NO_ROOM, name: "No classroom", nodeCount: withoutRoom }];
}

function valuesElsewhere(now: VariablesNow, nodes: readonly NodePlace[]): VariablesView["elsewhere"] {
  const resolved = resolveAll(now.variables, nodes);
  const unique = now.names.filter(({ isUnique, isSecret }) => isUnique && !isSecret);
  return Object.fromEntries(
    unique.map(({ name }) => {
      const holders = new Map<string, string[]>();
      for (const node of nodes) {
        const value = resolved.get(node.nodeId)?.get(name)?.value?.toLowerCase() ?? "";
        if (value !== "") holders.set(value, [...(holders.get(value) ?? []), node.name]);
      }
      return [name, Object.fromEntries(holders)];
    }),
  );
}

function filesOf({ files, groups }: VariablesNow): IdentityFileView[] {
  const groupNames = new Map(groups.map(({ id, name }) => [id, name]));
  return files.map((file) => ({
    ...file,
    groupName: groupNames.get(file.groupId) ?? null,
    names: namesIn(file.template),
  }));
}
