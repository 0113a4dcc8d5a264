// What "New enrolment key" means: PCs that present the secret are approved without a click. Shown once; only its hash is kept.
import { randomBytes } from "node:crypto";
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { recordAudit } from "#lib/db/audit.ts";
import { createEnrolmentKey as createRow, requireGroup } from "#lib/db/groups.ts";
import { secretHash } from "#lib/db/nodes.ts";
import { Id, Label, parseInput } from "./input.ts";

const DAY_MS = 24 * 3_600_000;

export const CreateEnrolmentKeyInput = z.object({
  name: Label,
  groupId: Id.optional(),
  /** A key that lies in an image for years is a risk, so it ends by itself. */
  validDays: z.number().int().min(1).max(365).default(30),
});

export async function createEnrolmentKey(
  viewer: Viewer,
  input: z.input<typeof CreateEnrolmentKeyInput>,
): Promise<{ readonly id: string; readonly secret: string }> {
  permit(viewer, "manage-keys");
  const { name, groupId, validDays } = parseInput(CreateEnrolmentKeyInput, input);
  if (groupId !== undefined) await requireGroup(groupId);
  const secret = `enrol_${randomBytes(24).toString("base64url")}`;
  const id = await createRow({
    name,
    secretHash: secretHash(secret),
    groupId: groupId ?? null,
    expiresAt: new Date(Date.now() + validDays * DAY_MS),
  });
  await recordAudit(viewer.id, "create-enrolment-key", id, { name, groupId: groupId ?? null });
  return { id, secret };
}
