"use server";

// Clicks on one's own account.
import { refresh } from "next/cache";
import { z } from "zod";
import type { FormState } from "#components/ui/form-state.ts";
import { createApiToken, revokeApiToken } from "#lib/auth/api-tokens.ts";
import { requireViewer } from "#lib/auth/viewer.ts";
import { answer, parseForm } from "./answer.ts";

const RevokeForm = z.object({ tokenId: z.string().max(64) });
const TokenForm = z.object({ name: z.string().trim().min(1, "a name is needed").max(64) });

export async function createApiTokenAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    const secret = await createApiToken(viewer.id, parseForm(TokenForm, form).name);
    refresh();
    return { status: "done", message: "Copy the token now: it is shown only once.", secret };
  });
}

export async function revokeApiTokenAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    await revokeApiToken(viewer.id, parseForm(RevokeForm, form).tokenId);
    refresh();
    return { status: "done", message: "Revoked." };
  });
}
