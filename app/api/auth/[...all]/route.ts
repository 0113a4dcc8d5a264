// Sign-in, sign-out, change of password: better-auth's own routes.
import { auth } from "#lib/auth/auth.ts";
import { assertReady } from "#lib/queries/api/readiness.ts";
import { problemResponse } from "../../problem.ts";

export const runtime = "nodejs";

async function handle(request: Request): Promise<Response> {
  try {
    const response = await auth().handler(request);
    // It answers its own failures with an empty 500; when the database is the reason, say so as everywhere else.
    if (response.status >= 500) await assertReady();
    return response;
  } catch (thrown) {
    return problemResponse(thrown);
  }
}

export const GET = handle;
export const POST = handle;
