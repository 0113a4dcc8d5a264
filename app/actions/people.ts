"use server";

// Clicks of an administrator on other people's accounts.
import { refresh } from "next/cache";
import { z } from "zod";
import type { FormState } from "#components/ui/form-state.ts";
import { requireViewer } from "#lib/auth/viewer.ts";
import { changeRole } from "#lib/commands/change-role.ts";
import { createUser } from "#lib/commands/create-user.ts";
import { resetPassword } from "#lib/commands/reset-password.ts";
import { setSignIn } from "#lib/commands/set-sign-in.ts";
import { ROLES } from "#lib/model/people.ts";
import { answer, parseForm } from "./answer.ts";

const userId = z.string().max(64);
const AddForm = z.object({
  name: z.string().trim().min(1, "a name is needed").max(64),
  email: z.string().max(254),
  role: z.enum(ROLES),
});
const RoleForm = z.object({ userId, role: z.enum(ROLES) });
const SignInForm = z.object({ userId, signIn: z.enum(["enabled", "disabled"]) });
const PasswordForm = z.object({ userId });

export async function createUserAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const input = parseForm(AddForm, form);
    const { password } = await createUser(await requireViewer(), input);
    refresh();
    return {
      status: "done",
      message: `Hand ${input.name} this password now: it is shown only once.`,
      secret: password,
    };
  });
}

export async function changeRoleAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const input = parseForm(RoleForm, form);
    const { name } = await changeRole(await requireViewer(), input);
    refresh();
    return { status: "done", message: `${name} is now ${input.role}.` };
  });
}

export async function setSignInAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const input = parseForm(SignInForm, form);
    const { name } = await setSignIn(await requireViewer(), input);
    refresh();
    const message =
      input.signIn === "disabled"
        ? `${name} is signed out and cannot sign in.`
        : `${name} can sign in again.`;
    return { status: "done", message };
  });
}

export async function resetPasswordAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const { name, password } = await resetPassword(await requireViewer(), parseForm(PasswordForm, form));
    refresh();
    return {
      status: "done",
      message: `Hand ${name} this password now: it is shown only once.`,
      secret: password,
    };
  });
}
