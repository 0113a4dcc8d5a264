// What every route of /api/v1 has in common: who asks, and whether they may; input read through the declared schemas within
// bounds; JSON out, with an ETag; failures as problem+json.
import { createHash } from "node:crypto";
import type { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import { bearerToken, type Viewer, viewerFromRequest } from "#lib/auth/request-viewer.ts";
import { parseInput, RequestId } from "#lib/commands/input.ts";
import { CodedError } from "#lib/model/errors.ts";
import { problemResponse } from "../problem.ts";
import type { AnswerOf, AnswerSchema, Asked, ParamsOf, RouteDeclaration } from "./declaration.ts";

const BODY_BYTES_MAX = 64 * 1024;

type Handler<Params> = (request: Request, context: { params: Promise<Params> }) => Promise<Response>;
type AnyParams = Readonly<Record<string, string>>;

/** Called with every answer: tests check it against the schema. Nobody listens in production. */
type Witness = (declaration: RouteDeclaration, answer: unknown) => void;
let witness: Witness | null = null;

/** @public For tests. */
export function witnessAnswers(onAnswer: Witness): void {
  witness = onAnswer;
}

/** The handler carries its declaration, for the document. */
export function routeOf<
  Path extends string,
  Answer extends AnswerSchema,
  Query extends z.ZodObject = z.ZodObject,
  Input extends z.ZodType = z.ZodType,
>(
  declaration: RouteDeclaration<Path, Query, Input, Answer>,
  work: (asked: Asked<Path, Query, Input>) => Promise<AnswerOf<Answer>>,
): Handler<ParamsOf<Path>> & { readonly declaration: RouteDeclaration };
export function routeOf(
  declaration: RouteDeclaration,
  work: (asked: Asked<string, z.ZodObject, z.ZodType>) => Promise<unknown>,
): Handler<AnyParams> & { readonly declaration: RouteDeclaration } {
  const handler: Handler<AnyParams> = async (request, { params }) => {
    try {
      const viewer = await requireViewer(request);
      refuseForeignOrigin(request);
      permit(viewer, declaration.permission);
      const answer = await work(await askedOf(declaration, viewer, request, await params));
      if (answer instanceof Response) return answer;
      witness?.(declaration, answer);
      return jsonResponse(request, answer, declaration.status ?? 200);
    } catch (thrown) {
      return problemResponse(thrown);
    }
  };
  return Object.assign(handler, { declaration });
}

async function requireViewer(request: Request): Promise<Viewer> {
  const viewer = await viewerFromRequest(request.headers);
  if (viewer !== null) return viewer;
  throw new CodedError("not-signed-in", "This needs a session or an API token.", {
    hint: "Sign in, or send Authorization: Bearer with a token from the settings page.",
  });
}

/** What the path and the header say is not the body's to change. */
async function askedOf(
  { query, input, bodyBytesMax }: RouteDeclaration,
  viewer: Viewer,
  request: Request,
  params: Readonly<Record<string, string>>,
): Promise<Asked<string, z.ZodObject, z.ZodType>> {
  const words = Object.fromEntries(new URL(request.url).searchParams);
  return {
    ...{ viewer, params, request },
    query: query === undefined ? {} : parseInput(query, words),
    input:
      input === undefined
        ? undefined
        : parseInput(input, {
            ...(request.method === "DELETE" ? {} : await bodyOf(request, bodyBytesMax)),
            ...params,
            requestId: requestIdOf(request),
          }),
  };
}

function jsonResponse(request: Request, answer: unknown, status: number): Response {
  const headers = { "content-type": "application/json", "cache-control": "no-store" };
  const text = JSON.stringify(answer);
  if (request.method !== "GET") return new Response(text, { status, headers });
  // Whoever polls a list is told with a few bytes that nothing has changed. "no-store" all the same: programs keep the tag
  // themselves, and a browser on a shared PC keeps nothing.
  const etag = etagOf(text);
  if (isKnown(request, etag)) return new Response(null, { status: 304, headers: { ...headers, etag } });
  return new Response(text, { status, headers: { ...headers, etag } });
}

export function etagOf(text: string): string {
  return `"${createHash("sha256").update(text).digest("base64url").slice(0, 27)}"`;
}

/** A proxy that compresses makes a tag weak; the content is the same. */
export function isKnown(request: Request, etag: string): boolean {
  const known = (request.headers.get("if-none-match") ?? "").split(",").map((text) => text.trim());
  return known.some((tag) => tag === "*" || tag.replace(/^W\//, "") === etag);
}

/** The JSON object of a request, {} when there is none. What its fields mean, the command checks. */
async function bodyOf(request: Request, bytesMax = BODY_BYTES_MAX): Promise<Record<string, unknown>> {
  const text = new TextDecoder().decode(await bytesOf(request, bytesMax));
  if (text.trim() === "") return {};
  const value = parseJson(text);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw new CodedError("input-invalid", "The body must be a JSON object.");
}

/** Read no further than it may be: throws `input-invalid` as soon as there is more than `bytesMax`. */
export async function bytesOf(request: Request, bytesMax: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of request.body ?? []) {
    length += piece.byteLength;
    if (length > bytesMax) {
      throw new CodedError("input-invalid", "The body is too large.", {
        hint: `It may have ${Math.floor(bytesMax / 1024)} KiB. Send it in several requests.`,
      });
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** The same key again finds what the first call made; without one, every call is a new wish. */
function requestIdOf(request: Request): string {
  const key = request.headers.get("idempotency-key");
  if (key === null) return crypto.randomUUID();
  if (RequestId.safeParse(key).success) return key;
  throw new CodedError("input-invalid", "The header Idempotency-Key must have 8 to 128 characters.", {
    hint: "Use a UUID.",
  });
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
