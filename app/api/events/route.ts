// Live words about jobs as server-sent events: "job" with its state and bytes whenever its rows change; ?job= for one job only. The
// browser reconnects by itself; after a gap the page asks anew, so nothing needs to be replayed.
import { viewerFromRequest } from "#lib/auth/request-viewer.ts";
import { CodedError } from "#lib/model/errors.ts";
import { followJobs } from "#lib/queries/api/job-events.ts";
import { problemResponse } from "../problem.ts";

export const runtime = "nodejs";
export const dynamic = "force-dynamic";

/** Proxies drop a connection that is silent for a minute. */
const KEEP_ALIVE_MS = 15_000;
const RECONNECT_MS = 2_000;

export async function GET(request: Request): Promise<Response> {
  try {
    const viewer = await viewerFromRequest(request.headers);
    if (viewer === null) throw new CodedError("not-signed-in", "Live events need a session or an API token.");
    const only = new URL(request.url).searchParams.get("job");
    const encoder = new TextEncoder();
    let end: () => void = () => undefined;
    const stream = new ReadableStream<Uint8Array>({
      async start(controller) {
        let open = true;
        const say = (text: string) => {
          if (open) controller.enqueue(encoder.encode(text));
        };
        let unfollow: (() => Promise<void>) | null = null;
        end = () => {
          if (!open) return;
          open = false;
          clearInterval(keepAlive);
          // The listening connection may be gone with the database; there is nothing to give back then.
          unfollow?.().catch(() => undefined);
          closeQuietly(controller);
        };
        const keepAlive = setInterval(() => say(": still here\n\n"), KEEP_ALIVE_MS);
        request.signal.addEventListener("abort", end);
        say(`retry: ${RECONNECT_MS}\n\n`);
        try {
          // A job that cannot be read, or words that were missed, end the stream: the browser comes back and asks anew.
          unfollow = await followJobs(
            viewer,
            only,
            (event) => say(`event: job\ndata: ${JSON.stringify(event)}\n\n`),
            end,
          );
          if (!open) await unfollow();
        } catch {
          end(); // the database is away: as above
        }
      },
      cancel: () => end(),
    });
    const headers = {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache, no-transform",
      "x-accel-buffering": "no",
    };
    return new Response(stream, { headers });
  } catch (thrown) {
    return problemResponse(thrown);
  }
}

function closeQuietly(controller: ReadableStreamDefaultController): void {
  try {
    controller.close();
  } catch {
    // The browser went away first and closed it.
  }
}
