// Sign-in by e-mail and password, kept by better-auth: hashed passwords, sessions as rows, cookies that scripts cannot read.
// Nobody signs up by himself; the first admin is made at the worker's first start (bootstrap-admin.ts).
import { betterAuth } from "better-auth";
import { prismaAdapter } from "better-auth/adapters/prisma";
import { APIError } from "better-auth/api";
import { type Database, database } from "#lib/db/client.ts";
import { isSignInDisabled } from "#lib/db/users.ts";
import { environment } from "#lib/env.ts";
import { systemRandom } from "#lib/model/clock.ts";
import { newId } from "#lib/model/ids.ts";
import { SIGN_IN_DISABLED } from "#lib/model/people.ts";

export const PASSWORD_CHARACTERS_MIN = 12;

function make() {
  const appUrl = environment("APP_URL");
  return betterAuth({
    baseURL: appUrl,
    trustedOrigins: [appUrl],
    secret: environment("BETTER_AUTH_SECRET"),
    database: prismaAdapter(database(), { provider: "postgresql" }),
    emailAndPassword: { enabled: true, disableSignUp: true, minPasswordLength: PASSWORD_CHARACTERS_MIN },
    user: {
      additionalFields: { role: { type: "string", required: false, input: false, defaultValue: "viewer" } },
    },
    session: { expiresIn: 14 * 24 * 3600, updateAge: 24 * 3600 },
    databaseHooks: { session: { create: { before: refuseDisabled } } },
    rateLimit: {
      window: 60,
      max: 300,
      // Thirty guesses a minute and address are nothing against a 12-character password, and a classroom behind one address may sign in.
      customRules: { "/sign-in/email": { window: 60, max: 30 } },
    },
    advanced: {
      cookiePrefix: "sheepfold",
      useSecureCookies: appUrl.startsWith("https://"),
      database: { generateId: () => newId("user", systemRandom) },
    },
    telemetry: { enabled: false },
  });
}

/** Runs after the password was found right, so that the words tell nothing to somebody who guesses. A session made in the very
 *  moment of disabling does no harm: request-viewer.ts asks the row at each request. */
async function refuseDisabled({ userId }: { readonly userId: string }): Promise<void> {
  if (!(await isSignInDisabled(userId))) return;
  throw new APIError("UNAUTHORIZED", {
    code: SIGN_IN_DISABLED,
    message: "An administrator has disabled this account.",
  });
}

type Auth = ReturnType<typeof make>;
let made: { readonly on: Database; readonly auth: Auth } | null = null;

/** Made at first use, because a build has no environment; anew when the process's database was chosen anew. */
export function auth(): Auth {
  const on = database();
  if (made?.on !== on) made = { on, auth: make() };
  return made.auth;
}
