// What "New classroom" means.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { recordAudit } from "#lib/db/audit.ts";
import { createGroup as createRow, findGroup, type Group } from "#lib/db/groups.ts";
import { anotherRequest, idForRequest } from "./id-for-request.ts";
import { Label, parseInput, RequestId } from "./input.ts";

export const CreateGroupInput = z.object({ name: Label, requestId: RequestId.optional() });

export async function createGroup(viewer: Viewer, input: z.input<typeof CreateGroupInput>): Promise<Group> {
  permit(viewer, "manage-classrooms");
  const { name, requestId } = parseInput(CreateGroupInput, input);
  const id = idForRequest("group", viewer, requestId);
  const first = await findGroup(id);
  if (first !== null && first.name !== name) throw anotherRequest();
  if (first !== null) return first;
  const group = await createRow(name, id);
  await recordAudit(viewer.id, "create-classroom", group.id, { name });
  return group;
}
