// What setting values comes to: which rows to write, what changes in words, which duplicates would arise. Decided on everything as it
// is, for a dry run and again under the lock when it is applied; then written all or nothing. Nothing that leaves this file holds a
// secret: answers mask it, rows have it sealed, the audit trail has no values at all (a name may become a secret later, and what was
// appended there stays).
import { createHash } from "node:crypto";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { seal } from "#lib/auth/sealed.ts";
import { recordAudit } from "#lib/db/audit.ts";
import { changeVariables, readVariables, type VariablesNow } from "#lib/db/variables.ts";
import { namedDuplicates } from "#lib/localize/resolve-all.ts";
import { checkVariableValue } from "#lib/localize/variables.ts";
import { CodedError } from "#lib/model/errors.ts";
import type { Scope, Variable, VariableName } from "#lib/model/localization.ts";
import {
  EVERYWHERE,
  type NamedDuplicate,
  SECRET_MASK,
  type ValueChange,
  type ValuesPreview,
  type ValueWish,
} from "#lib/model/variable-grid.ts";

/** Five thousand PCs with ten values: more is no table that a person fills. */
export const WISHES_MAX = 50_000;
const NAMES_IN_AUDIT_MAX = 50;

export interface ValueDecision {
  readonly values: readonly Variable[];
  readonly changes: readonly ValueChange[];
  readonly duplicates: readonly NamedDuplicate[];
}

export interface ApplyWish {
  readonly dryRun: boolean;
  /** The digest of what was shown; another one by now refuses with `plan-changed`. */
  readonly expected?: string | undefined;
}

/** A dry run decides on what is there; otherwise it is decided again under the lock, compared with what was shown, and written.
 *  `decide` may answer more than values: it comes back as it is. */
export async function tryOrApply<Decision extends ValueDecision>(
  viewer: Viewer,
  { dryRun, expected }: ApplyWish,
  decide: (now: VariablesNow) => Decision,
): Promise<{ readonly decision: Decision; readonly preview: ValuesPreview }> {
  permit(viewer, "localize");
  if (dryRun) {
    const decision = decide(await readVariables());
    return { decision, preview: previewOf(decision, false) };
  }
  const answer = await changeVariables(viewer.id, (now) => {
    const decision = decide(now);
    const preview = previewOf(decision, true);
    if (expected !== undefined && expected !== preview.digest) throw changedMeanwhile();
    return { writes: { values: decision.values }, answer: { decision, preview } };
  });
  await auditValues(viewer, answer.preview.changes);
  return answer;
}

/** Wishes for what is already so change nothing. A secret is always set anew: whether it is the same, nobody is told. */
export function decideValues(now: VariablesNow, wishes: readonly ValueWish[]): ValueDecision {
  const names = new Map(now.names.map((name) => [name.name, name]));
  const present = new Map(now.variables.map((variable) => [keyOf(variable), variable]));
  const ownerOf = ownersBy(now);
  const seen = new Set<string>();
  const values: Variable[] = [];
  const changes: ValueChange[] = [];
  for (const wish of wishes) {
    const name = knownName(names, wish.name);
    const key = keyOf(wish);
    if (seen.has(key)) throw askedTwice(wish.name, ownerOf(wish));
    seen.add(key);
    const owner = ownerOf(wish);
    const before = present.get(key);
    const value = variableOf(name, wish, owner);
    const isSame = before === undefined ? wish.value === null : !name.isSecret && before.value === wish.value;
    if (isSame) continue;
    values.push(value);
    changes.push({
      name: wish.name,
      scope: wish.scope,
      scopeId: wish.scopeId,
      owner,
      from: before === undefined ? null : shown(before),
      to: wish.value === null ? null : shown(value),
    });
  }
  return { values, changes, duplicates: newDuplicates(now, values) };
}

function knownName(names: ReadonlyMap<string, VariableName>, name: string): VariableName {
  const known = names.get(name);
  if (known !== undefined) return known;
  throw unknownVariable(name);
}

export function unknownVariable(name: string): CodedError {
  return new CodedError("variable-unknown", `There is no variable "${name.slice(0, 64)}".`, {
    hint: "Add it first, or correct the name.",
  });
}

/** With neither value: cleared. */
function variableOf(
  { name, isSecret }: VariableName,
  { scope, scopeId, value }: ValueWish,
  owner: string,
): Variable {
  if (value !== null) checkVariableValue(`${name} for ${owner}`, value);
  const isSealed = isSecret && value !== null;
  return {
    name,
    scope,
    scopeId,
    value: isSealed ? null : value,
    sealed: isSealed ? seal(name, value) : null,
  };
}

function shown({ value }: Variable): string {
  return value ?? SECRET_MASK;
}

/** Names whose value it is, and refuses owners that are not there. */
function ownersBy({ nodes, groups }: VariablesNow): (wish: { scope: Scope; scopeId: string }) => string {
  const nodeNames = new Map(nodes.map(({ nodeId, name }) => [nodeId, name]));
  const groupNames = new Map(groups.map(({ id, name }) => [id, name]));
  return ({ scope, scopeId }) => {
    if (scope === "global" && scopeId === "") return EVERYWHERE;
    if (scope === "global") {
      throw new CodedError("input-invalid", "A value for everything belongs to no classroom or PC.", {
        hint: 'Leave scopeId out, or give "".',
      });
    }
    const name = scope === "node" ? nodeNames.get(scopeId) : groupNames.get(scopeId);
    if (name !== undefined) return name;
    throw scope === "node"
      ? new CodedError("node-unknown", `There is no enrolled PC ${scopeId}.`, { hint: "Reload the page." })
      : new CodedError("classroom-unknown", `There is no classroom ${scopeId}.`, {
          hint: "Reload the page.",
        });
  };
}

function newDuplicates(now: VariablesNow, values: readonly Variable[]): NamedDuplicate[] {
  const changed = new Set(values.map(({ name }) => name));
  const unique = now.names.filter(({ name, isUnique }) => isUnique && changed.has(name));
  if (unique.length === 0) return [];
  const after = new Map(now.variables.map((variable) => [keyOf(variable), variable]));
  for (const variable of values) after.set(keyOf(variable), variable);
  const kept = [...after.values()].filter(({ value, sealed }) => value !== null || sealed !== null);
  const before = new Set(namedDuplicates(now.nodes, unique, now.variables).map(wordsOf));
  return namedDuplicates(now.nodes, unique, kept).filter((duplicate) => !before.has(wordsOf(duplicate)));
}

function wordsOf({ name, value, nodeNames }: NamedDuplicate): string {
  return JSON.stringify([name, value.toLowerCase(), nodeNames]);
}

function previewOf({ changes, duplicates }: ValueDecision, isApplied: boolean): ValuesPreview {
  const digest = createHash("sha256").update(JSON.stringify(changes)).digest("hex");
  return { changes, duplicates, digest, isApplied };
}

async function auditValues(viewer: Viewer, changes: readonly ValueChange[]): Promise<void> {
  if (changes.length === 0) return;
  const listed = (words: readonly string[]) => {
    const distinct = [...new Set(words)];
    const rest = distinct.length - NAMES_IN_AUDIT_MAX;
    const head = distinct.slice(0, NAMES_IN_AUDIT_MAX).join(", ");
    return rest > 0 ? `${head} and ${rest} more` : head;
  };
  await recordAudit(viewer.id, "set-variables", "variables", {
    valueCount: changes.length,
    clearedCount: changes.filter(({ to }) => to === null).length,
    names: listed(changes.map(({ name }) => name)),
    owners: listed(changes.map(({ owner }) => owner)),
  });
}

function keyOf({ name, scope, scopeId }: { name: string; scope: string; scopeId: string }): string {
  return `${name} ${scope} ${scopeId}`;
}

function askedTwice(name: string, owner: string): CodedError {
  return new CodedError("input-invalid", `${name} of ${owner} is asked for twice.`, {
    hint: "Give one value for each.",
  });
}

function changedMeanwhile(): CodedError {
  return new CodedError("plan-changed", "The values have changed since this was shown.", {
    hint: "Look at it again, then apply it. Nothing was changed.",
  });
}
