// What "New classroom" means.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { recordAudit } from "#lib/db/audit.ts";
import { createGroup as createRow, type Group } from "#lib/db/groups.ts";
import { Label, parseInput } from "./input.ts";

export const CreateGroupInput = z.object({ name: Label });

export async function createGroup(viewer: Viewer, input: z.input<typeof CreateGroupInput>): Promise<Group> {
  permit(viewer, "manage-classrooms");
  const { name } = parseInput(CreateGroupInput, input);
  const group = await createRow(name);
  await recordAudit(viewer.id, "create-classroom", group.id, { name });
  return group;
}
