// What "Change role" means: it counts from the person's next click on. The last administrator keeps the role.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { recordAudit } from "#lib/db/audit.ts";
import { changeUser } from "#lib/db/users.ts";
import { ROLES } from "#lib/model/people.ts";
import { Id, parseInput } from "./input.ts";

export const ChangeRoleInput = z.object({ userId: Id, role: z.enum(ROLES) });

export async function changeRole(
  viewer: Viewer,
  input: z.input<typeof ChangeRoleInput>,
): Promise<{ readonly name: string }> {
  permit(viewer, "manage-people");
  const { userId, role } = parseInput(ChangeRoleInput, input);
  const { name } = await changeUser(userId, { role });
  await recordAudit(viewer.id, "change-role", userId, { role });
  return { name };
}
