// What every route of /api/v1 has in common: who asks, JSON in and out within bounds, failures as problem+json.
import { bearerToken, type Viewer, viewerFromRequest } from "#lib/auth/request-viewer.ts";
import { CodedError } from "#lib/model/errors.ts";
import { problemResponse } from "../problem.ts";

const BODY_CHARACTERS_MAX = 64 * 1024;

type Handler<Params> = (request: Request, context: { params: Promise<Params> }) => Promise<Response>;

export function routeOf<Params>(
  work: (viewer: Viewer, request: Request, params: Params) => Promise<object>,
  status = 200,
): Handler<Params> {
  return async (request, { params }) => {
    try {
      const viewer = await viewerFromRequest(request.headers);
      if (viewer === null) {
        throw new CodedError("not-signed-in", "This needs a session or an API token.", {
          hint: "Sign in, or send Authorization: Bearer with a token from the settings page.",
        });
      }
      refuseForeignOrigin(request);
      const answer = await work(viewer, request, await params);
      return Response.json(answer, { status, headers: { "cache-control": "no-store" } });
    } catch (thrown) {
      return problemResponse(thrown);
    }
  };
}

/** The JSON object of a request, {} when there is none. What its fields mean, the command checks. */
export async function bodyOf(request: Request): Promise<Record<string, unknown>> {
  const text = await request.text();
  if (text.length > BODY_CHARACTERS_MAX) throw new CodedError("input-invalid", "The body is too large.");
  if (text.trim() === "") return {};
  const value = parseJson(text);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw new CodedError("input-invalid", "The body must be a JSON object.");
}

/** The same key again finds the first answer's job; without one, every call is a new wish. */
export function requestIdOf(request: Request): string {
  return request.headers.get("idempotency-key") ?? crypto.randomUUID();
}

/** A number from the query string; null when absent. */
export function numberOf(request: Request, name: string): number | null {
  const text = new URL(request.url).searchParams.get(name);
  if (text === null) return null;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new CodedError("input-invalid", `${name} must be a positive whole number.`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CodedError("input-invalid", "The body is not JSON.", { cause });
  }
}

/** A cookie travels with requests that other sites make; a token does not. */
function refuseForeignOrigin(request: Request): void {
  if (request.method === "GET" || bearerToken(request.headers) !== null) return;
  const origin = request.headers.get("origin");
  if (origin === null || URL.parse(origin)?.host === request.headers.get("host")) return;
  throw new CodedError("not-permitted", `Requests from ${origin} may not use this session.`, {
    hint: "Use an API token.",
  });
}
