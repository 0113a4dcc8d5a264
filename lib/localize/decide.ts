// Decides for each PC what it is told, and whether that can be: the master is what was declared, every value is there and fits, and no
// two PCs would be the same one. Asked when a plan is made, when it is applied, and by pages that say who holds what. Pure; a secret is
// opened only to see whether it fits.
import { CodedError, type FailureCode, type FailureReport, failureReportOf } from "#lib/model/errors.ts";
import {
  type LocalizationContent,
  type LocalizationSpec,
  NO_SPEC,
  type ResolvedVariable,
  type TokenScan,
  type Variable,
  type VariableName,
} from "#lib/model/localization.ts";
import { contentFor, digestOf } from "./content.ts";
import { identityFilesFor, type PlacedIdentityFile } from "./identity-choice.ts";
import { checkMaster, render, volumeOf } from "./render.ts";
import { duplicatesOf, resolveVariables } from "./variables.ts";

/** An enrolled PC and where it stands. */
export interface LocalizedNode {
  readonly nodeId: string;
  readonly name: string;
  readonly groupId: string | null;
  readonly groupName: string | null;
  readonly seat: number | null;
}

export interface MasterFacts {
  readonly spec: LocalizationSpec | null;
  readonly scan: TokenScan | null;
  readonly images: readonly { readonly partition: string; readonly sizeBytes: number }[];
}

export interface VariableFacts {
  readonly names: readonly VariableName[];
  readonly variables: readonly Variable[];
  readonly files: readonly PlacedIdentityFile[];
  /** All enrolled PCs: one that is not localized now may hold the same name all the same. */
  readonly nodes: readonly LocalizedNode[];
}

export interface Decided {
  readonly content: LocalizationContent;
  readonly digest: string;
  /** Why it cannot be; null when it can. */
  readonly problem: FailureReport | null;
}

/** Opens a secret. */
type Unseal = (name: string, sealed: string) => string;

export function decideLocalizations(
  master: MasterFacts,
  facts: VariableFacts,
  nodeIds: readonly string[],
  unseal: Unseal,
): Map<string, Decided> {
  const resolved = resolveAll(facts);
  const duplicates = duplicateProblems(facts, unseal, resolved);
  const masterProblem = problemIn(() =>
    checkMaster(
      master.spec ?? NO_SPEC,
      master.scan,
      master.images.map(({ partition }) => partition),
    ),
  );
  return new Map(
    facts.nodes
      .filter(({ nodeId }) => nodeIds.includes(nodeId))
      .map((node) => {
        const content = contentFor(
          master.spec ?? NO_SPEC,
          { nodeName: node.name, groupName: node.groupName, seat: node.seat },
          resolved.get(node.nodeId) ?? new Map(),
          identityFilesFor(facts.files, node.groupId),
        );
        const problem =
          masterProblem ?? duplicates.get(node.nodeId) ?? problemIn(() => tryOut(content, master, unseal));
        return [node.nodeId, { content, digest: digestOf(content), problem }];
      }),
  );
}

/** Renders everything and throws it away. */
function tryOut(content: LocalizationContent, { scan, images }: MasterFacts, unseal: Unseal): void {
  const { volume } = render(content, scan ?? [], unseal);
  if (volume === null) return;
  volumeOf(volume.files, images.find(({ partition }) => partition === volume.image)?.sizeBytes ?? 0);
}

function problemIn(work: () => void): FailureReport | null {
  try {
    work();
    return null;
  } catch (thrown) {
    if (!(thrown instanceof CodedError)) throw thrown;
    return failureReportOf(thrown);
  }
}

/** With the secrets that only one PC may have opened, to compare them; one that cannot be opened is nobody's double. */
function opened(
  resolved: ReadonlyMap<string, ReadonlyMap<string, ResolvedVariable>>,
  unique: readonly string[],
  unseal: Unseal,
): ReadonlyMap<string, ReadonlyMap<string, ResolvedVariable>> {
  return new Map(
    [...resolved].map(([nodeId, variables]) => [
      nodeId,
      new Map(
        [...variables].map(([name, variable]) => {
          if (variable.sealed === null || !unique.includes(name)) return [name, variable];
          const { sealed } = variable;
          let value: string | null = null;
          const problem = problemIn(() => {
            value = unseal(name, sealed);
          });
          return [name, problem === null ? { ...variable, value } : variable];
        }),
      ),
    ]),
  );
}

function resolveAll({ nodes, variables }: VariableFacts): Map<string, Map<string, ResolvedVariable>> {
  return new Map(nodes.map((node) => [node.nodeId, resolveVariables(variables, node)]));
}

/** By PC: with whom it would share what only one may have. */
export function duplicateProblems(
  facts: VariableFacts,
  unseal: Unseal,
  resolved: ReadonlyMap<string, ReadonlyMap<string, ResolvedVariable>> = resolveAll(facts),
): Map<string, FailureReport> {
  const { names, nodes } = facts;
  const secret = new Set(names.filter(({ isSecret }) => isSecret).map(({ name }) => name));
  const unique = names.filter(({ isUnique }) => isUnique).map(({ name }) => name);
  const nameOf = new Map(nodes.map(({ nodeId, name }) => [nodeId, name]));
  const words = new Map<string, FailureReport>();
  for (const { name, value, nodeIds } of duplicatesOf(opened(resolved, unique, unseal), unique)) {
    for (const nodeId of nodeIds) {
      const others = nodeIds.filter((other) => other !== nodeId).map((other) => nameOf.get(other) ?? other);
      const shown = `${others.slice(0, 3).join(", ")}${others.length > 3 ? ` and ${others.length - 3} more` : ""}`;
      words.set(nodeId, {
        code: "identity-duplicate" satisfies FailureCode,
        message: `Its ${name}${secret.has(name) ? "" : ` "${value}"`} is also that of ${shown}.`,
        hint: "Give one of them another value under Variables.",
      });
    }
  }
  return words;
}
