// What "Disable sign-in" and "Enable sign-in" mean: a disabled person is signed out everywhere, and neither password nor API tokens
// work until enabled again. The account stays, because jobs and the audit trail name it.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { recordAudit } from "#lib/db/audit.ts";
import { changeUser } from "#lib/db/users.ts";
import { Id, parseInput } from "./input.ts";

export const SetSignInInput = z.object({ userId: Id, signIn: z.enum(["enabled", "disabled"]) });

export async function setSignIn(
  viewer: Viewer,
  input: z.input<typeof SetSignInInput>,
): Promise<{ readonly name: string }> {
  permit(viewer, "manage-people");
  const { userId, signIn } = parseInput(SetSignInInput, input);
  const { name } = await changeUser(userId, { signInDisabled: signIn === "disabled" });
  await recordAudit(viewer.id, signIn === "disabled" ? "disable-sign-in" : "enable-sign-in", userId, {});
  return { name };
}
