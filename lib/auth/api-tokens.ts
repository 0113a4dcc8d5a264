// API tokens: how programs sign in. The secret is shown once; only its hash is kept.
import { randomBytes } from "node:crypto";
import { recordAudit } from "#lib/db/audit.ts";
import { createApiTokenRow, revokeApiToken as revokeRow } from "#lib/db/users.ts";
import { CodedError } from "#lib/model/errors.ts";

const NAME_CHARACTERS_MAX = 64;

export async function createApiToken(userId: string, name: string): Promise<string> {
  const trimmed = name.trim();
  if (trimmed === "" || trimmed.length > NAME_CHARACTERS_MAX) {
    throw new CodedError("input-invalid", `A token's name has 1 to ${NAME_CHARACTERS_MAX} characters.`);
  }
  const secret = `shf_${randomBytes(32).toString("base64url")}`;
  const id = await createApiTokenRow({ userId, name: trimmed, secret });
  await recordAudit(userId, "create-api-token", id, { name: trimmed });
  return secret;
}

/** One's own token only. */
export async function revokeApiToken(userId: string, tokenId: string): Promise<void> {
  await revokeRow(tokenId, userId);
  await recordAudit(userId, "revoke-api-token", tokenId, {});
}
