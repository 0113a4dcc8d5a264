// What "Add a person" means: an account with a role and a random password, shown once and handed over by the administrator.
import { z } from "zod";
import { makePassword } from "#lib/auth/make-password.ts";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { recordAudit } from "#lib/db/audit.ts";
import { createUserWithPassword } from "#lib/db/users.ts";
import { ROLES } from "#lib/model/people.ts";
import { Label, parseInput } from "./input.ts";

/** The longest an e-mail address may be (RFC 5321). */
const EMAIL_CHARACTERS_MAX = 254;

export const CreateUserInput = z.object({
  name: Label,
  /** In lower case, as sign-in compares it. */
  email: z.string().trim().toLowerCase().max(EMAIL_CHARACTERS_MAX).pipe(z.email("must be an e-mail address")),
  role: z.enum(ROLES),
});

export async function createUser(
  viewer: Viewer,
  input: z.input<typeof CreateUserInput>,
): Promise<{ readonly id: string; readonly password: string }> {
  permit(viewer, "manage-people");
  const { name, email, role } = parseInput(CreateUserInput, input);
  const { password, passwordHash } = await makePassword();
  const id = await createUserWithPassword({ name, email, role, passwordHash });
  await recordAudit(viewer.id, "create-user", id, { email, role });
  return { id, password };
}
