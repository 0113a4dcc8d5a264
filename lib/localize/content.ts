// What one PC is told, from what an operator declared for the master and what its variables say; and the hash by which "still the
// same" is decided. Pure. Secrets stay sealed here: their sealed form is what is frozen and hashed.
import { createHash } from "node:crypto";
import type {
  IdentityFile,
  LocalizationContent,
  LocalizationSpec,
  ResolvedVariable,
} from "#lib/model/localization.ts";
import { namesIn } from "./templates.ts";

export interface NodeFacts {
  readonly nodeName: string;
  readonly groupName: string | null;
  readonly seat: number | null;
}

/** Names that every PC has without anybody setting them. */
export const BUILT_IN_NAMES = ["node_name", "classroom_name", "seat"] as const;

/** `files`: those that hold for the PC. */
export function contentFor(
  spec: LocalizationSpec,
  node: NodeFacts,
  variables: ReadonlyMap<string, ResolvedVariable>,
  files: readonly IdentityFile[],
): LocalizationContent {
  const asked = new Set([
    ...spec.tokens.map(({ name }) => name),
    ...files.flatMap(({ template }) => namesIn(template)),
    ...spec.recipes.flatMap((recipe) => Object.values(recipe).flatMap((value) => namesIn(String(value)))),
  ]);
  const sorted = [...variables].sort(([left], [right]) => (left < right ? -1 : 1));
  return {
    values: {
      ...builtIn(node),
      ...Object.fromEntries(sorted.flatMap(([name, { value }]) => (value === null ? [] : [[name, value]]))),
    },
    // A secret goes only where a file, a token or a recipe asks for it by its name.
    sealed: Object.fromEntries(
      sorted.flatMap(([name, { sealed }]) => (sealed === null || !asked.has(name) ? [] : [[name, sealed]])),
    ),
    files: spec.identityImage === null ? [] : files,
    identityImage: spec.identityImage,
    tokens: spec.tokens.map(({ name, padding }) => ({ name, padding })),
    recipes: spec.recipes,
  };
}

function builtIn({ nodeName, groupName, seat }: NodeFacts): Record<string, string> {
  return {
    node_name: nodeName,
    ...(groupName === null ? {} : { classroom_name: groupName }),
    ...(seat === null ? {} : { seat: String(seat) }),
  };
}

/** Hex SHA-256: another one now means that what the PC holds is stale. */
export function digestOf(content: LocalizationContent): string {
  return createHash("sha256")
    .update(JSON.stringify(canonical(content)))
    .digest("hex");
}

/** Keys in their order: rows of the database do not keep it. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, inner]) => [key, canonical(inner)]),
  );
}
