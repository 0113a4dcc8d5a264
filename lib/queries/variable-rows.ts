// From rows to the grid of variables: what each PC has and where it comes from, what its classroom and everything say. Pure. The one
// place where values leave for pages and the API: a secret becomes a cell that says only that there is one.
import type { NodePlace, VariablesNow } from "#lib/db/variables.ts";
import { resolveAll } from "#lib/localize/resolve-all.ts";
import type { ResolvedVariable, Scope } from "#lib/model/localization.ts";
import { EVERYWHERE, type GridCell, type GridColumn, type GridRow } from "#lib/model/variable-grid.ts";

/** One per PC, in the given order. */
export function nodeRows(now: VariablesNow, nodes: readonly NodePlace[]): GridRow[] {
  const resolved = resolveAll(now.variables, nodes);
  return nodes.map(({ nodeId, name, seat }) => ({
    scope: "node",
    scopeId: nodeId,
    name,
    seat,
    cells: cellsOf([...(resolved.get(nodeId) ?? [])]),
  }));
}

/** What holds for every PC. */
export function everywhereRow(now: VariablesNow): GridRow {
  return ownRow(now, "global", "", EVERYWHERE);
}

/** What the classroom says itself; what it inherits is in the row for everything. */
export function classroomRow(
  now: VariablesNow,
  group: { readonly id: string; readonly name: string },
): GridRow {
  return ownRow(now, "classroom", group.id, group.name);
}

function ownRow({ variables }: VariablesNow, scope: Scope, scopeId: string, name: string): GridRow {
  const own = variables.filter((variable) => variable.scope === scope && variable.scopeId === scopeId);
  const resolved = own.map((variable) => [variable.name, { ...variable, from: scope }] as const);
  return { scope, scopeId, name, seat: null, cells: cellsOf(resolved) };
}

function cellsOf(resolved: readonly (readonly [string, ResolvedVariable])[]): Record<string, GridCell> {
  return Object.fromEntries(
    resolved.map(([name, { value, from }]) => [name, { value, isSecret: value === null, from }]),
  );
}

export function gridColumns({ names, variables }: VariablesNow): GridColumn[] {
  const counts = new Map<string, number>();
  for (const { name } of variables) counts.set(name, (counts.get(name) ?? 0) + 1);
  return names.map((name) => ({ ...name, valueCount: counts.get(name.name) ?? 0 }));
}
