"use server";

// Clicks on the identity files: add, change, remove.
import { redirect } from "next/navigation";
import { z } from "zod";
import type { FormState } from "#components/ui/form-state.ts";
import { requireViewer } from "#lib/auth/viewer.ts";
import { changeIdentityFile, createIdentityFile, removeIdentityFile } from "#lib/commands/identity-files.ts";
import { answer, parseForm } from "./answer.ts";

const FILES_PAGE = "/variables?tab=files";

const Content = {
  path: z.string(),
  template: z.string().default(""),
  lineEnds: z.enum(["lf", "crlf"]),
};
const CreateForm = z.object({ groupId: z.string().max(64).optional(), ...Content });
const ChangeForm = z.object({ fileId: z.string().max(64), ...Content });
const RemoveForm = z.object({ fileId: z.string().max(64) });

export async function createIdentityFileAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const { lineEnds, ...file } = parseForm(CreateForm, form);
    await createIdentityFile(await requireViewer(), {
      ...file,
      template: withLineEnds(file.template, lineEnds),
    });
    redirect(FILES_PAGE);
  });
}

export async function changeIdentityFileAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const { lineEnds, ...file } = parseForm(ChangeForm, form);
    await changeIdentityFile(await requireViewer(), {
      ...file,
      template: withLineEnds(file.template, lineEnds),
    });
    redirect(FILES_PAGE);
  });
}

export async function removeIdentityFileAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    await removeIdentityFile(await requireViewer(), parseForm(RemoveForm, form));
    redirect(FILES_PAGE);
  });
}

/** A browser sends every line break of a form as CRLF, whatever was meant. */
function withLineEnds(text: string, lineEnds: "lf" | "crlf"): string {
  const plain = text.replaceAll("\r\n", "\n");
  return lineEnds === "lf" ? plain : plain.replaceAll("\n", "\r\n");
}
