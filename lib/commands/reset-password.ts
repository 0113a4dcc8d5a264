// What "New password" means for somebody who forgot theirs: a random one, shown once; sessions opened with the old one end. API tokens
// go on working: programs do not forget.
import { z } from "zod";
import { makePassword } from "#lib/auth/make-password.ts";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { recordAudit } from "#lib/db/audit.ts";
import { replacePassword } from "#lib/db/users.ts";
import { CodedError } from "#lib/model/errors.ts";
import { Id, parseInput } from "./input.ts";

export const ResetPasswordInput = z.object({ userId: Id });

export async function resetPassword(
  viewer: Viewer,
  input: z.input<typeof ResetPasswordInput>,
): Promise<{ readonly name: string; readonly password: string }> {
  permit(viewer, "manage-people");
  const { userId } = parseInput(ResetPasswordInput, input);
  if (userId === viewer.id) {
    // It would end the very session that has to show the new password.
    throw new CodedError("input-invalid", "One's own password is not reset here.", {
      hint: "Change it under Settings.",
    });
  }
  const { password, passwordHash } = await makePassword();
  const { name } = await replacePassword(userId, passwordHash);
  await recordAudit(viewer.id, "reset-password", userId, {});
  return { name, password };
}
