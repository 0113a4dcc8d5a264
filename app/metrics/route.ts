// Figures for Prometheus. They tell of rooms and habits, so they want a token like everything else: that of an account which may
// only read is enough.
import { viewerFromRequest } from "#lib/auth/request-viewer.ts";
import { CodedError } from "#lib/model/errors.ts";
import { readMetrics } from "#lib/queries/metrics.ts";
import { problemResponse } from "../api/problem.ts";
import { exposition, METRICS_MEDIA_TYPE } from "./exposition.ts";

export const runtime = "nodejs";
export const dynamic = "force-dynamic";

export async function GET(request: Request): Promise<Response> {
  try {
    const viewer = await viewerFromRequest(request.headers);
    if (viewer === null) {
      throw new CodedError("not-signed-in", "Metrics need an API token.", {
        hint: "Give Prometheus a token of an account with the role viewer, as authorization: credentials_file.",
      });
    }
    const namesNodes = new URL(request.url).searchParams.get("nodes") === "yes";
    const text = await exposition(await readMetrics(viewer, { namesNodes, nowMs: Date.now() }));
    return new Response(text, {
      headers: { "content-type": METRICS_MEDIA_TYPE, "cache-control": "no-store" },
    });
  } catch (thrown) {
    return problemResponse(thrown);
  }
}
