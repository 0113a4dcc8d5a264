// The first start of an installation makes one admin with a random password, returned once so that it can be printed once.
import { recordAudit } from "#lib/db/audit.ts";
import { countUsers, createFirstUser } from "#lib/db/users.ts";
import { environment } from "#lib/env.ts";
import { makePassword } from "./make-password.ts";

/** Null when there are users already. */
export async function ensureAdmin(): Promise<{ readonly email: string; readonly password: string } | null> {
  if ((await countUsers()) > 0) return null;
  const email = environment("SHEEPFOLD_ADMIN_EMAIL").toLowerCase();
  const { password, passwordHash } = await makePassword();
  const userId = await createFirstUser({
    email,
    name: "Administrator",
    passwordHash,
  });
  if (userId === null) return null; // another worker, started at the same moment, was first
  await recordAudit("system", "create-first-admin", userId, { email });
  return { email, password };
}
