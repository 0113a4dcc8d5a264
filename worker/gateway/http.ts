// Bodies and answers of the gateway's HTTP: every body is bounded before it is kept, every refusal has a code and a status.
import type { IncomingMessage, ServerResponse } from "node:http";
import { z } from "zod";
import { CodedError, type FailureCode, failureReportOf } from "#lib/model/errors.ts";
import { PAGE_HASH_BYTES } from "#lib/page/page.ts";
import { PAGES_PER_REQUEST } from "#lib/protocol/control.ts";

const JSON_BYTES_MAX = 1024 * 1024;
const HASHES_BYTES_MAX = PAGES_PER_REQUEST * PAGE_HASH_BYTES;

const STATUS: Partial<Record<FailureCode, number>> = {
  "protocol-violation": 400,
  "input-invalid": 400,
  "page-hash-mismatch": 400,
  "not-permitted": 403,
  "enrolment-pending": 403,
  "enrolment-refused": 403,
  "enrolment-too-many": 429,
  "agent-lost": 409,
  "node-unknown": 404,
  "snapshot-unknown": 404,
  "storage-full": 507,
  "database-unavailable": 503,
  "repository-closed": 503,
};

export function statusOf(code: FailureCode): number {
  return STATUS[code] ?? 500;
}

export async function readJson<Message>(
  request: IncomingMessage,
  schema: z.ZodType<Message>,
): Promise<Message> {
  const text = (await readBody(request, JSON_BYTES_MAX)).toString("utf8");
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new CodedError("protocol-violation", "The request's body is not JSON.", { cause });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new CodedError(
    "protocol-violation",
    `The request is not understood: ${z.prettifyError(parsed.error)}`,
    {
      hint: "Update the agent or the server, so that their versions fit.",
    },
  );
}

/** Page hashes, n·32 bytes, of at least one and at most PAGES_PER_REQUEST pages. */
export async function readHashes(request: IncomingMessage): Promise<Uint8Array> {
  const hashes = await readBody(request, HASHES_BYTES_MAX);
  if (hashes.length > 0 && hashes.length % PAGE_HASH_BYTES === 0) return hashes;
  throw new CodedError(
    "protocol-violation",
    `A body of ${hashes.length} bytes does not hold whole page hashes.`,
  );
}

/** The body, chunk by chunk. Stopping early must not break the connection, as a plain loop over the request would: the agent
 *  has yet to read why it was refused. */
export function bodyOf(request: IncomingMessage): AsyncIterable<Buffer> {
  return request.iterator({ destroyOnReturn: false });
}

async function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of bodyOf(request)) {
    size += chunk.length;
    if (size > bytesMax) {
      throw new CodedError("protocol-violation", `The request's body is larger than ${bytesMax} bytes.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export function answer(response: ServerResponse, message: object): void {
  sendJson(response, 200, message);
}

/** Tells the agent why; once an answer has begun, breaking the connection is the only way left to say that it failed. */
export function refuse(request: IncomingMessage, response: ServerResponse, thrown: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { code, message, hint } = failureReportOf(thrown);
  // The rest of the body is let past unread, so that the agent gets to the answer; the request's time limit bounds it.
  request.resume();
  // An unforeseen error's words may hold anything; they go to our log, not to a stranger.
  const words =
    code === "internal" ? "The server met an unexpected error; its log has the details." : message;
  sendJson(response, statusOf(code), { code, message: words.slice(0, 2000), hint });
}

function sendJson(response: ServerResponse, status: number, message: object): void {
  const body = Buffer.from(JSON.stringify(message));
  response.writeHead(status, { "content-type": "application/json", "content-length": body.length });
  response.end(body);
}
