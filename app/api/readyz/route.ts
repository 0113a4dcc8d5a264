// The app can answer people: its database does.
import { assertReady } from "#lib/queries/api/readiness.ts";
import { problemResponse } from "../problem.ts";

export const runtime = "nodejs";
export const dynamic = "force-dynamic";

export async function GET(): Promise<Response> {
  try {
    await assertReady();
    return Response.json({ status: "ready" }, { headers: { "cache-control": "no-store" } });
  } catch (thrown) {
    return problemResponse(thrown);
  }
}
