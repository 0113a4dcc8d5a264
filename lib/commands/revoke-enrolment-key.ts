// What "Revoke" on an enrolment key means: it approves nobody any more. PCs it let in before stay in.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { recordAudit } from "#lib/db/audit.ts";
import { revokeEnrolmentKey as revokeRow } from "#lib/db/groups.ts";
import { Id, parseInput } from "./input.ts";

export const RevokeEnrolmentKeyInput = z.object({ keyId: Id });

export async function revokeEnrolmentKey(
  viewer: Viewer,
  input: z.input<typeof RevokeEnrolmentKeyInput>,
): Promise<void> {
  permit(viewer, "manage-keys");
  const { keyId } = parseInput(RevokeEnrolmentKeyInput, input);
  await revokeRow(keyId);
  await recordAudit(viewer.id, "revoke-enrolment-key", keyId, {});
}
