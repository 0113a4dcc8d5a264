"use server";

// Clicks on the page of variables. The grid, an import and a generator send plain values rather than a form: what they show depends
// on the answer.
import { refresh } from "next/cache";
import { z } from "zod";
import type { FormState } from "#components/ui/form-state.ts";
import { requireViewer } from "#lib/auth/viewer.ts";
import { changeVariable, defineVariable, removeVariable } from "#lib/commands/define-variable.ts";
import { GenerateValuesInput, generateValues } from "#lib/commands/generate-values.ts";
import { ImportVariablesInput, importVariables } from "#lib/commands/import-variables.ts";
import { parseInput } from "#lib/commands/input.ts";
import { SetVariablesInput, setVariables } from "#lib/commands/set-variables.ts";
import type { GeneratePreview, ImportPreview } from "#lib/model/variable-grid.ts";
import { answer, parseForm } from "./answer.ts";

type Failed = Extract<FormState, { status: "failed" }>;
type Previewed<Preview> = Failed | { readonly status: "shown"; readonly preview: Preview };

const tick = z.literal("yes").optional();
const DefineForm = z.object({
  name: z.string(),
  note: z.string().optional(),
  isSecret: tick,
  isUnique: tick,
});
const ChangeForm = DefineForm;
const RemoveForm = z.object({ name: z.string() });

export async function saveVariablesAction(wishes: unknown): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    const { changes } = await setVariables(viewer, parseInput(SetVariablesInput, { values: wishes }));
    refresh();
    const count = changes.length === 1 ? "1 value" : `${changes.length} values`;
    return { status: "done", message: `Saved ${count}.` };
  });
}

export async function importVariablesAction(wish: unknown): Promise<Previewed<ImportPreview>> {
  return previewed(async () =>
    importVariables(await requireViewer(), parseInput(ImportVariablesInput, wish)),
  );
}

export async function generateValuesAction(wish: unknown): Promise<Previewed<GeneratePreview>> {
  return previewed(async () => generateValues(await requireViewer(), parseInput(GenerateValuesInput, wish)));
}

async function previewed<Preview extends { readonly isApplied: boolean }>(
  work: () => Promise<Preview>,
): Promise<Previewed<Preview>> {
  const found: Preview[] = [];
  const state = await answer(async () => {
    found.push(await work());
    return { status: "done", message: "" };
  });
  const [preview] = found;
  if (preview === undefined) return state as Failed; // the work threw
  if (preview.isApplied) refresh();
  return { status: "shown", preview };
}

export async function defineVariableAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const { name, note, isSecret, isUnique } = parseForm(DefineForm, form);
    // Without the tick it is left to the command, which knows names that are unique by nature.
    const unique = isUnique === "yes" ? { isUnique: true } : {};
    await defineVariable(await requireViewer(), { name, note, isSecret: isSecret === "yes", ...unique });
    refresh();
    return { status: "done", message: `Added ${name}.` };
  });
}

export async function changeVariableAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const { name, note = "", isSecret, isUnique } = parseForm(ChangeForm, form);
    const isHidden = isSecret === "yes";
    await changeVariable(await requireViewer(), {
      name,
      note,
      isSecret: isHidden,
      isUnique: isUnique === "yes",
    });
    refresh();
    return { status: "done", message: "Saved." };
  });
}

export async function removeVariableAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const { name } = parseForm(RemoveForm, form);
    await removeVariable(await requireViewer(), { name });
    refresh();
    return { status: "done", message: `Removed ${name}.` };
  });
}
