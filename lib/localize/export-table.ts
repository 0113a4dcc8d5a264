// What PCs have of their own, as a table that spreadsheets open without running anything in it, and that an import reads back
// unchanged. Inherited values are left out: read back they would become each PC's own. So are secrets. Pure.
import { guardCell, printTable } from "#lib/model/delimited-text.ts";
import type { Variable, VariableName } from "#lib/model/localization.ts";

export interface ExportedTable {
  readonly text: string;
  /** Whose values are not in it. */
  readonly secretNames: readonly string[];
}

export function exportTable(
  names: readonly VariableName[],
  variables: readonly Variable[],
  nodes: readonly { readonly nodeId: string; readonly name: string }[],
): ExportedTable {
  const shown = names.filter(({ isSecret }) => !isSecret).map(({ name }) => name);
  const byNode = Map.groupBy(
    variables.filter(({ scope }) => scope === "node"),
    ({ scopeId }) => scopeId,
  );
  const rows = nodes.map(({ nodeId, name }) => {
    const own = new Map((byNode.get(nodeId) ?? []).map((variable) => [variable.name, variable.value]));
    return [name, ...shown.map((column) => own.get(column) ?? "")].map(guardCell);
  });
  return {
    text: printTable([["pc", ...shown], ...rows]),
    secretNames: names.filter(({ isSecret }) => isSecret).map(({ name }) => name),
  };
}
