// What "Generate…" means: one variable of many PCs filled by a pattern, from a range of addresses or from a pool; shown first. What any
// PC has already, in whatever classroom, is not given a second time.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { unseal } from "#lib/auth/sealed.ts";
import type { NodePlace, VariablesNow } from "#lib/db/variables.ts";
import {
  freeOfPool,
  fromAddressRange,
  fromPattern,
  fromPool,
  type Generated,
} from "#lib/localize/generators.ts";
import { resolveAll } from "#lib/localize/resolve-all.ts";
import { CodedError } from "#lib/model/errors.ts";
import type { ResolvedVariable } from "#lib/model/localization.ts";
import type { GeneratePreview } from "#lib/model/variable-grid.ts";
import { decideValues, tryOrApply, unknownVariable, type ValueDecision } from "./decide-values.ts";
import { Id, parseInput } from "./input.ts";

const POOL_MAX = 10_000;
const NODES_MAX = 5_000;

const How = z.discriminatedUnion("kind", [
  /** Such as "LAB-A-{seat:02}". */
  z.object({ kind: z.literal("pattern"), pattern: z.string().min(1).max(500) }),
  /** Such as "10.1.0.10-10.1.0.60", or with the network's length for all: "10.1.0.10-10.1.0.60/24". */
  z.object({ kind: z.literal("range"), range: z.string().trim().min(1).max(64) }),
  z.object({ kind: z.literal("pool"), pool: z.array(z.string().max(10_000)).max(POOL_MAX) }),
]);
type How = z.output<typeof How>;

export const GenerateValuesInput = z.object({
  name: z.string().max(64),
  /** The PCs of a classroom, or these. */
  groupId: Id.optional(),
  nodeIds: z.array(Id).min(1, "must name a PC").max(NODES_MAX).optional(),
  how: How,
  /** PCs that have a value of their own get a new one, too. */
  replace: z.boolean().default(false),
  dryRun: z.boolean(),
  expected: z.string().max(128).optional(),
});
type Wish = z.output<typeof GenerateValuesInput>;

export async function generateValues(
  viewer: Viewer,
  input: z.input<typeof GenerateValuesInput>,
): Promise<GeneratePreview> {
  permit(viewer, "localize");
  const wish = parseInput(GenerateValuesInput, input);
  const { decision, preview } = await tryOrApply(viewer, wish, (now) => decide(now, wish));
  return { ...preview, pool: decision.pool, keptCount: decision.keptCount };
}

type Decision = ValueDecision & Pick<GeneratePreview, "pool" | "keptCount">;

function decide(now: VariablesNow, wish: Wish): Decision {
  const { name, how, replace } = wish;
  if (!now.names.some((known) => known.name === name)) throw unknownVariable(name);
  const nodes = chosenNodes(now, wish);
  const hasOwn = new Set(
    now.variables.flatMap((value) => (value.name === name && value.scope === "node" ? [value.scopeId] : [])),
  );
  const lacking = nodes.filter(({ nodeId }) => replace || !hasOwn.has(nodeId));
  const taken = takenBy(now, name, new Set(lacking.map(({ nodeId }) => nodeId)));
  const generated = generate(how, nodes, lacking, taken);
  const values = generated.map(({ nodeId, value }) => ({
    name,
    scope: "node" as const,
    scopeId: nodeId,
    value,
  }));
  return {
    ...decideValues(now, values),
    pool: how.kind === "pool" ? poolCounts(how.pool, taken, generated.length) : null,
    keptCount: nodes.length - lacking.length,
  };
}

function chosenNodes({ nodes, groups }: VariablesNow, { groupId, nodeIds }: Wish): NodePlace[] {
  if ((groupId === undefined) === (nodeIds === undefined)) {
    throw new CodedError("input-invalid", "Either a classroom or PCs must be named.", {
      hint: "Choose the classroom, or tick the PCs that shall get a value.",
    });
  }
  if (groupId !== undefined && !groups.some(({ id }) => id === groupId)) {
    throw new CodedError("classroom-unknown", `There is no classroom ${groupId}.`);
  }
  const asked = new Set(nodeIds);
  const chosen = nodes.filter((node) =>
    groupId === undefined ? asked.has(node.nodeId) : node.groupId === groupId,
  );
  const missing = [...asked].find((nodeId) => !chosen.some((node) => node.nodeId === nodeId));
  if (missing !== undefined) throw new CodedError("node-unknown", `There is no enrolled PC ${missing}.`);
  return chosen;
}

/** By whoever keeps what it has: every PC but those that are to get a new value, once for each that holds it. */
function takenBy(now: VariablesNow, name: string, changing: ReadonlySet<string>): string[] {
  const variables = now.variables.filter((variable) => variable.name === name);
  const keeping = now.nodes.filter(({ nodeId }) => !changing.has(nodeId));
  return [...resolveAll(variables, keeping).values()].flatMap((resolved) => {
    const value = resolved.get(name);
    return value === undefined ? [] : [openedValue(name, value)];
  });
}

/** A licence that is a secret must not be given twice either; what is opened here goes nowhere but into the comparison. */
function openedValue(name: string, { value, sealed }: ResolvedVariable): string {
  return value ?? (sealed === null ? "" : unseal(name, sealed));
}

function generate(
  how: How,
  nodes: readonly NodePlace[],
  lacking: readonly NodePlace[],
  taken: readonly string[],
): Generated[] {
  switch (how.kind) {
    case "pattern": {
      // {index} counts all of the PCs, also those that keep what they have: the next time it counts the same.
      const wanted = new Set(lacking.map(({ nodeId }) => nodeId));
      return fromPattern(how.pattern, nodes).filter(({ nodeId }) => wanted.has(nodeId));
    }
    case "range": {
      const [, range = "", length = ""] = /^(.*?)(\/\d{1,2})?$/.exec(how.range) ?? [];
      const addresses = new Set(taken.map((value) => value.replace(/\/.*$/, "").trim()));
      return fromAddressRange(range, lacking, addresses).map(({ nodeId, value }) => ({
        nodeId,
        value: value + length,
      }));
    }
    case "pool":
      return fromPool(wordsOfPool(how.pool), lacking, taken);
  }
}

function poolCounts(pool: readonly string[], taken: readonly string[], givenCount: number) {
  const words = wordsOfPool(pool);
  return { size: words.length, left: freeOfPool(words, taken).length - givenCount };
}

function wordsOfPool(pool: readonly string[]): string[] {
  return pool.map((value) => value.trim()).filter((value) => value !== "");
}
