// Names of variables: added, changed, removed. A name that becomes a secret has its values sealed in the same moment and is never a
// plain one again; who wants that removes it and adds it anew.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { seal } from "#lib/auth/sealed.ts";
import { recordAudit } from "#lib/db/audit.ts";
import { changeVariables, type VariablesNow } from "#lib/db/variables.ts";
import { BUILT_IN_NAMES } from "#lib/localize/content.ts";
import { IDENTITY_NAMES } from "#lib/localize/identity-files.ts";
import { namesIn } from "#lib/localize/templates.ts";
import { checkVariableName } from "#lib/localize/variables.ts";
import { CodedError } from "#lib/model/errors.ts";
import type { VariableName } from "#lib/model/localization.ts";
import { unknownVariable } from "./decide-values.ts";
import { parseInput } from "./input.ts";

/** Columns of one grid: more is no grid that a person reads. */
const NAMES_MAX = 200;
/** Two PCs with one of these harm each other on the network. */
const UNIQUE_BY_DEFAULT: readonly string[] = [IDENTITY_NAMES.hostName, IDENTITY_NAMES.address];

const Name = z.string().trim().max(128);
const Note = z
  .string()
  .trim()
  .max(200)
  .refine((text) => !text.includes("\0"), "must be text");

export const DefineVariableInput = z.object({
  name: Name,
  isSecret: z.boolean().default(false),
  /** Left out: true for host_name and ip_address. */
  isUnique: z.boolean().optional(),
  note: Note.default(""),
});
export const ChangeVariableInput = z.object({
  name: Name,
  isSecret: z.boolean().optional(),
  isUnique: z.boolean().optional(),
  note: Note.optional(),
});
export const RemoveVariableInput = z.object({ name: Name });

export async function defineVariable(
  viewer: Viewer,
  input: z.input<typeof DefineVariableInput>,
): Promise<VariableName> {
  permit(viewer, "localize");
  const wish = parseInput(DefineVariableInput, input);
  const { name } = wish;
  checkNewName(name);
  const defined = { ...wish, isUnique: wish.isUnique ?? UNIQUE_BY_DEFAULT.includes(name) };
  await changeVariables(viewer.id, ({ names }) => {
    refuseWhen(
      names.some((known) => known.name === name),
      `There is a variable ${name} already.`,
      "Choose another name, or change that one.",
    );
    refuseWhen(
      names.length >= NAMES_MAX,
      `There are ${names.length} variables already.`,
      "Remove those that nothing needs any more.",
    );
    return { writes: { names: [defined] }, answer: null };
  });
  await recordAudit(viewer.id, "define-variable", name, factsOf(defined));
  return defined;
}

function checkNewName(name: string): void {
  checkVariableName(name);
  const isBuiltIn = (BUILT_IN_NAMES as readonly string[]).includes(name);
  refuseWhen(isBuiltIn, `${name} is given to every PC by itself.`, "Choose another name.");
}

export async function changeVariable(
  viewer: Viewer,
  input: z.input<typeof ChangeVariableInput>,
): Promise<VariableName> {
  permit(viewer, "localize");
  const { name, ...wish } = parseInput(ChangeVariableInput, input);
  const changed = await changeVariables(viewer.id, (now) => {
    const before = knownName(now, name);
    const after = { ...before, ...withoutUndefined(wish) };
    refuseWhen(
      before.isSecret && !after.isSecret,
      `${name} is a secret and stays one.`,
      "Remove it and add it anew, with values that may be seen.",
    );
    const becomesSecret = after.isSecret && !before.isSecret;
    return {
      writes: { names: [after], values: becomesSecret ? sealedValues(now, name) : [] },
      answer: after,
    };
  });
  await recordAudit(viewer.id, "change-variable", name, factsOf(changed));
  return changed;
}

function sealedValues({ variables }: VariablesNow, name: string) {
  return variables.flatMap((variable) =>
    variable.name === name && variable.value !== null
      ? [{ ...variable, value: null, sealed: seal(name, variable.value) }]
      : [],
  );
}

/** With all its values. Refused while an identity file asks for it: the PCs' next localization would fail for want of it. */
export async function removeVariable(
  viewer: Viewer,
  input: z.input<typeof RemoveVariableInput>,
): Promise<{ readonly valueCount: number }> {
  permit(viewer, "localize");
  const { name } = parseInput(RemoveVariableInput, input);
  const answer = await changeVariables(viewer.id, (now) => {
    knownName(now, name);
    const user = now.files.find(({ template }) => namesIn(template).includes(name));
    refuseWhen(
      user !== undefined,
      `The identity file ${user?.path} asks for ${name}.`,
      "Take it out of the file first, or remove the file.",
    );
    const valueCount = now.variables.filter((variable) => variable.name === name).length;
    return { writes: { removedNames: [name] }, answer: { valueCount } };
  });
  await recordAudit(viewer.id, "remove-variable", name, answer);
  return answer;
}

function knownName({ names }: VariablesNow, name: string): VariableName {
  const known = names.find((candidate) => candidate.name === name);
  if (known === undefined) throw unknownVariable(name);
  return known;
}

function factsOf({ isSecret, isUnique, note }: VariableName) {
  return { isSecret, isUnique, note };
}

function withoutUndefined<Wish extends object>(wish: Wish): Partial<Wish> {
  const given = Object.entries(wish).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Partial<Wish>; // the same keys, fewer of them
}

function refuseWhen(condition: boolean, message: string, hint: string): void {
  if (condition) throw new CodedError("input-invalid", message, { hint });
}
