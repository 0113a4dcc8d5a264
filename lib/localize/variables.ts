// What differs from PC to PC: named values, set for everything, for a classroom or for one PC. The nearest wins, and whoever looks
// at a value is told where it comes from. Pure.
import { CodedError } from "#lib/model/errors.ts";
import { type ResolvedVariable, SCOPES, type Variable } from "#lib/model/localization.ts";

export interface PlaceOfNode {
  readonly nodeId: string;
  readonly groupId: string | null;
}

const NAME = /^[a-z][a-z0-9_]{0,62}$/;
export const VALUE_CHARACTERS_MAX = 4096;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what a value must not hold
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f]/;

export function checkVariableName(name: string): void {
  if (NAME.test(name)) return;
  throw new CodedError("input-invalid", `"${name.slice(0, 70)}" cannot be a variable's name.`, {
    hint: "Names begin with a letter and have 1 to 63 lower-case letters, digits and underscores, such as host_name.",
  });
}

export function checkVariableValue(name: string, value: string): void {
  if (value.length <= VALUE_CHARACTERS_MAX && !CONTROL.test(value)) return;
  throw new CodedError("input-invalid", `The value of ${name} cannot be stored.`, {
    hint: `Values have at most ${VALUE_CHARACTERS_MAX} characters and no control characters but tab and line break.`,
  });
}

/** All variables as they hold for one PC, by name. */
export function resolveVariables(
  variables: readonly Variable[],
  { nodeId, groupId }: PlaceOfNode,
): Map<string, ResolvedVariable> {
  const resolved = new Map<string, ResolvedVariable>();
  for (const scope of SCOPES) {
    const scopeId = scope === "global" ? "" : scope === "classroom" ? groupId : nodeId;
    for (const variable of variables) {
      if (variable.scope === scope && variable.scopeId === scopeId)
        resolved.set(variable.name, { value: variable.value, sealed: variable.sealed, from: scope });
    }
  }
  return resolved;
}

export interface Duplicate {
  readonly name: string;
  readonly value: string;
  readonly nodeIds: readonly string[];
}

/** Values that only one PC may have, and several do. Secrets are not compared: they are not known here. */
export function duplicatesOf(
  byNode: ReadonlyMap<string, ReadonlyMap<string, ResolvedVariable>>,
  uniqueNames: readonly string[],
): Duplicate[] {
  return uniqueNames.flatMap((name) => {
    const holders = Map.groupBy(byNode, ([, resolved]) => resolved.get(name)?.value?.toLowerCase() ?? null);
    return [...holders].flatMap(([value, nodes]) =>
      value === null || value === "" || nodes.length < 2
        ? []
        : [
            {
              name,
              value: nodes[0]?.[1].get(name)?.value ?? value,
              nodeIds: nodes.map(([nodeId]) => nodeId),
            },
          ],
    );
  });
}
