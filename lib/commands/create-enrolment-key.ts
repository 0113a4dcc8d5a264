// What "New enrolment key" means: PCs that present the secret are approved without a click. Shown once; only its hash is kept.
import { randomBytes } from "node:crypto";
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { secretForRequest } from "#lib/auth/sealed.ts";
import { recordAudit } from "#lib/db/audit.ts";
import { createEnrolmentKey as createRow, requireGroup } from "#lib/db/groups.ts";
import { secretHash } from "#lib/db/nodes.ts";
import { anotherRequest, idForRequest } from "./id-for-request.ts";
import { Id, Label, parseInput, RequestId } from "./input.ts";

const DAY_MS = 24 * 3_600_000;
const SECRET_BYTES = 24;

export const CreateEnrolmentKeyInput = z.object({
  name: Label,
  groupId: Id.optional(),
  /** A key that lies in an image for years is a risk, so it ends by itself. */
  validDays: z.number().int().min(1).max(365).default(30),
  requestId: RequestId.optional(),
});

export async function createEnrolmentKey(
  viewer: Viewer,
  input: z.input<typeof CreateEnrolmentKeyInput>,
): Promise<{ readonly id: string; readonly secret: string }> {
  permit(viewer, "manage-keys");
  const { name, groupId, validDays, requestId } = parseInput(CreateEnrolmentKeyInput, input);
  if (groupId !== undefined) await requireGroup(groupId);
  const id = idForRequest("key", viewer, requestId);
  const secret = `enrol_${secretBytes(viewer, requestId).toString("base64url")}`;
  const row = await createRow({
    id,
    name,
    secretHash: secretHash(secret),
    groupId: groupId ?? null,
    expiresAt: new Date(Date.now() + validDays * DAY_MS),
  });
  if (row.name !== name || row.groupId !== (groupId ?? null)) throw anotherRequest();
  if (row.created)
    await recordAudit(viewer.id, "create-enrolment-key", id, { name, groupId: groupId ?? null });
  return { id, secret };
}

/** Only its hash is kept, so a repeated call can only be told the same secret when that follows from the request. */
function secretBytes(viewer: Viewer, requestId: string | undefined): Buffer {
  if (requestId === undefined) return randomBytes(SECRET_BYTES);
  return secretForRequest(`enrolment key ${viewer.id}`, requestId).subarray(0, SECRET_BYTES);
}
