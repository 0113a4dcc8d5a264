"use server";

// Clicks that make a snapshot a master, take that back, and say what makes its copies differ.
import { refresh } from "next/cache";
import { redirect } from "next/navigation";
import { z } from "zod";
import type { FormState } from "#components/ui/form-state.ts";
import { requireViewer } from "#lib/auth/viewer.ts";
import { type DeclareLocalizationInput, declareLocalization } from "#lib/commands/declare-localization.ts";
import { lookForTokens } from "#lib/commands/look-for-tokens.ts";
import { releaseMaster, withdrawRelease } from "#lib/commands/release-master.ts";
import { CodedError } from "#lib/model/errors.ts";
import { answer, parseForm } from "./answer.ts";

const ReleaseForm = z.object({
  requestId: z.uuid(),
  snapshotId: z.string().max(64),
  masterName: z.string().max(128),
  note: z.string().max(1000),
});
const LookForm = z.object({ requestId: z.uuid(), releaseId: z.string().max(64) });
const WithdrawForm = z.object({ releaseId: z.string().max(64) });

export async function releaseMasterAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const { release } = await releaseMaster(await requireViewer(), parseForm(ReleaseForm, form));
    redirect(`/masters/${release.id}`);
  });
}

/** One field for all recipes, and a field "token" for each that is ticked, with the number of its places. */
const DeclareForm = z.object({
  releaseId: z.string().max(64),
  identityImage: z.string().max(64).optional(),
  recipes: z.string().max(1_000_000).optional(),
});

export async function declareLocalizationAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    const { releaseId, identityImage, recipes } = parseForm(DeclareForm, form);
    const tokens = form.getAll("token").map((value) => {
      const [name = "", count = ""] = String(value).split(":");
      return {
        name,
        count: Number(count),
        padding: form.get(`padding:${name}`) === "nul" ? "nul" : "space",
      } as const;
    });
    await declareLocalization(viewer, {
      releaseId,
      identityImage: identityImage ?? null,
      tokens,
      recipes: recipes === undefined ? [] : recipesIn(recipes),
    });
    refresh();
    return { status: "done", message: "Declared. Plans and previews follow it from now on." };
  });
}

/** What it means, the command checks. */
function recipesIn(text: string): z.input<typeof DeclareLocalizationInput>["recipes"] {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CodedError("input-invalid", "The recipes are no JSON.", {
      hint: 'Write a list, such as [{ "kind": "set-host-name", "partition": "p2", "hostName": "{{host_name}}" }].',
      cause,
    });
  }
}

export async function lookForTokensAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const { jobId } = await lookForTokens(await requireViewer(), parseForm(LookForm, form));
    redirect(`/jobs/${jobId}`);
  });
}

export async function withdrawReleaseAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    await withdrawRelease(await requireViewer(), parseForm(WithdrawForm, form));
    refresh();
    return { status: "done", message: "Withdrawn. The snapshot stays pinned until it is unpinned." };
  });
}
