// Many PCs' variables at once, each by the rule of variables.ts, without looking through all values for every PC. Pure.
import type { ResolvedVariable, Variable, VariableName } from "#lib/model/localization.ts";
import type { NamedDuplicate } from "#lib/model/variable-grid.ts";
import { duplicatesOf, type PlaceOfNode, resolveVariables } from "./variables.ts";

/** By PC, then by name. */
export function resolveAll(
  variables: readonly Variable[],
  nodes: readonly PlaceOfNode[],
): Map<string, Map<string, ResolvedVariable>> {
  const byOwner = Map.groupBy(variables, ({ scope, scopeId }) => ownerKey(scope, scopeId));
  const of = (key: string) => byOwner.get(key) ?? [];
  return new Map(
    nodes.map((node) => {
      const { nodeId, groupId } = node;
      const room = groupId === null ? [] : of(ownerKey("classroom", groupId));
      const own = of(ownerKey("node", nodeId));
      return [nodeId, resolveVariables([...of(ownerKey("global", "")), ...room, ...own], node)];
    }),
  );
}

/** What several of the PCs would have, of the names that only one may have each value of. */
export function namedDuplicates(
  nodes: readonly (PlaceOfNode & { readonly name: string })[],
  names: readonly VariableName[],
  variables: readonly Variable[],
): NamedDuplicate[] {
  const nodeNames = new Map(nodes.map(({ nodeId, name }) => [nodeId, name]));
  const unique = names.flatMap(({ name, isUnique }) => (isUnique ? [name] : []));
  return duplicatesOf(resolveAll(variables, nodes), unique).map(({ name, value, nodeIds }) => ({
    name,
    value,
    nodeNames: nodeIds.map((nodeId) => nodeNames.get(nodeId) ?? nodeId),
  }));
}

function ownerKey(scope: string, scopeId: string): string {
  return `${scope} ${scopeId}`;
}
