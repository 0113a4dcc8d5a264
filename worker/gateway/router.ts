// Which request is whose: /agent/v1/… by hand, since there are a dozen routes and each begins with the same question, which
// node is asking. Whatever is thrown becomes a refusal with a code.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { CodedError, failureReportOf } from "#lib/model/errors.ts";
import { keyHashOf } from "#lib/protocol/certificate.ts";
import { CHAIN_UPGRADE, LEASE_HEADER, ROUTE_PREFIX } from "#lib/protocol/control.ts";
import type { GatewayContext } from "./context.ts";
import { type Exchange, wholeNumber } from "./exchange.ts";
import { refuse, statusOf } from "./http.ts";
import { requireLease } from "./lease-of.ts";
import type { Lease } from "./leases.ts";
import { finishImageRoute, offerRoute, pagesRoute } from "./routes/archive.ts";
import { acceptChain, chainReportRoute, hashesRoute } from "./routes/chain.ts";
import { enrolRoute, helloRoute } from "./routes/enrolment.ts";
import { leaseRoute } from "./routes/lease.ts";
import { differRoute } from "./routes/restore.ts";
import { heartbeatRoute, resultRoute } from "./routes/task.ts";

export async function handle(
  context: GatewayContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort(new CodedError("agent-unreachable", "The agent went away.")));
  // A connection that breaks is seen by whoever reads or writes it; without a listener it would end the process.
  request.on("error", () => gone.abort(new CodedError("agent-unreachable", "The agent's connection broke.")));
  response.on("error", () =>
    gone.abort(new CodedError("agent-unreachable", "The agent's connection broke.")),
  );
  try {
    const url = new URL(request.url ?? "/", "https://gateway");
    const signal = AbortSignal.any([gone.signal, context.closing.signal]);
    await route(context, url.pathname, {
      request,
      response,
      keyHash: keyHashOfPeer(request),
      query: url.searchParams,
      signal,
    });
  } catch (thrown) {
    if (!gone.signal.aborted && failureReportOf(thrown).code === "internal") {
      context.log.error(`${request.method} ${request.url} failed.`, {
        error: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown),
      });
    }
    refuse(request, response, thrown);
  }
}

/** A GET that asks for another protocol: only a chain's line to its source. Refused, the connection is closed with the
 *  reason's status. */
export async function handleUpgrade(
  context: GatewayContext,
  request: IncomingMessage,
  socket: Duplex,
): Promise<void> {
  socket.on("error", () => socket.destroy());
  try {
    const { pathname } = new URL(request.url ?? "/", "https://gateway");
    const [first, taskId, verb, ...rest] = pathname.slice(ROUTE_PREFIX.length + 1).split("/");
    const isChain = pathname.startsWith(`${ROUTE_PREFIX}/`) && first === "tasks" && verb === "chain";
    if (!isChain || taskId === undefined || rest.length > 0 || request.headers.upgrade !== CHAIN_UPGRADE)
      throw noSuchRoute(pathname);
    const lease = await leaseOf(context, { request, keyHash: keyHashOfPeer(request) }, taskId);
    if (socket instanceof TLSSocket) socket.setTimeout(0);
    acceptChain(context, lease, socket);
  } catch (thrown) {
    const { code, message, hint } = failureReportOf(thrown);
    const body = JSON.stringify({ code, message, hint });
    const head = `HTTP/1.1 ${statusOf(code)} Refused\r\nContent-Type: application/json\r\nConnection: close\r\n`;
    socket.end(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  }
}

async function route(context: GatewayContext, path: string, exchange: Exchange): Promise<void> {
  if (exchange.request.method !== "POST" || !path.startsWith(`${ROUTE_PREFIX}/`)) throw noSuchRoute(path);
  const [first, taskId, verb, image, imageVerb, ...rest] = path.slice(ROUTE_PREFIX.length + 1).split("/");
  if (first !== "tasks") {
    if (taskId !== undefined) throw noSuchRoute(path);
    if (first === "enrol") return enrolRoute(context, exchange);
    if (first === "hello") return helloRoute(context, exchange);
    if (first === "lease") return leaseRoute(context, exchange);
    throw noSuchRoute(path);
  }
  if (taskId === undefined || rest.length > 0) throw noSuchRoute(path);
  if (verb === "chain" && image === "report" && imageVerb === undefined) {
    return chainReportRoute(context, exchange, await leaseOf(context, exchange, taskId));
  }
  if (image === undefined) {
    if (verb === "heartbeat") return heartbeatRoute(context, exchange, taskId, leaseHeader(exchange));
    if (verb === "result") return resultRoute(context, exchange, taskId, leaseHeader(exchange));
    throw noSuchRoute(path);
  }
  const number = verb === "images" ? wholeNumber(image) : null;
  if (number === null) throw noSuchRoute(path);
  const lease = await leaseOf(context, exchange, taskId);
  if (imageVerb === "offer") return offerRoute(context, exchange, lease, number);
  if (imageVerb === "pages") return pagesRoute(context, exchange, lease, number);
  if (imageVerb === "finish") return finishImageRoute(context, exchange, lease, number);
  if (imageVerb === "hashes") return hashesRoute(context, exchange, lease, number);
  if (imageVerb === "differ") return differRoute(context, exchange, lease, number);
  throw noSuchRoute(path);
}

/** Knowing a lease is not enough: the key it was given to must ask. */
function leaseOf(
  context: GatewayContext,
  { request, keyHash }: Pick<Exchange, "request" | "keyHash">,
  taskId: string,
): Promise<Lease> {
  return requireLease(context, taskId, leaseHeader({ request }), keyHash);
}

function leaseHeader({ request }: Pick<Exchange, "request">): string | undefined {
  const header = request.headers[LEASE_HEADER];
  return typeof header === "string" ? header : undefined;
}

function keyHashOfPeer(request: IncomingMessage): string {
  const certificate =
    request.socket instanceof TLSSocket ? request.socket.getPeerX509Certificate() : undefined;
  if (certificate !== undefined) return keyHashOf(certificate);
  throw new CodedError("not-permitted", "This port is for Sheepfold's agents, which show a certificate.", {
    hint: "The dashboard is at another address; see APP_URL.",
  });
}

function noSuchRoute(path: string): CodedError {
  return new CodedError("protocol-violation", `The gateway has no route ${path.slice(0, 200)}.`, {
    hint: "Update the server if the agent is newer.",
  });
}
