// Who is asking: the session's cookie or an API token. The role, and whether the person may be
// here at all, is read from the row each time, so that a change counts at once.
import { waitForDatabase } from "#lib/db/client.ts";
import { findActiveUser, type UserRow, userOfApiToken } from "#lib/db/users.ts";
import type { Role } from "#lib/model/people.ts";
import { auth } from "./auth.ts";

export interface Viewer {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly role: Role;
}

export async function viewerFromRequest(headers: Headers): Promise<Viewer | null> {
  const token = bearerToken(headers);
  if (token !== null) return viewerOf(await userOfApiToken(token));
  const userId = await userIdOfSession(headers);
  return userId === null ? null : viewerOf(await findActiveUser(userId));
}

/** better-auth gives a failure of the database a name of its own; we ask the database to get ours. */
async function userIdOfSession(headers: Headers): Promise<string | null> {
  try {
    const session = await auth().api.getSession({ headers });
    return session?.user.id ?? null;
  } catch (thrown) {
    await waitForDatabase(0);
    throw thrown;
  }
}

/** The token of `Authorization: Bearer …`; null when the header is absent or of another kind. */
export function bearerToken(headers: Headers): string | null {
  const match = /^Bearer ([A-Za-z0-9_-]{8,128})$/.exec(headers.get("authorization") ?? "");
  return match?.[1] ?? null;
}

function viewerOf(user: UserRow | null): Viewer | null {
  return user === null ? null : { id: user.id, name: user.name, email: user.email, role: user.role };
}
