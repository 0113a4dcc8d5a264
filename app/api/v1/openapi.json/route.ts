// The OpenAPI document, for whoever asks: it says what every installation can do and nothing of this one.
import { openApiText } from "../../openapi/document.ts";
import { etagOf, isKnown } from "../route-of.ts";

export const runtime = "nodejs";

export function GET(request: Request): Response {
  const text = openApiText();
  const etag = etagOf(text);
  const headers = { "content-type": "application/json", "cache-control": "no-cache", etag };
  return isKnown(request, etag)
    ? new Response(null, { status: 304, headers })
    : new Response(text, { headers });
}
