// One request to the gateway and its answer, parsed. A refusal becomes the CodedError the gateway named; a network failure
// becomes "server-unreachable". Retrying is the caller's decision, since only it knows what may be repeated.

import type { IncomingMessage } from "node:http";
import https from "node:https";
import { type Duplex, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { z } from "zod";
import { CodedError } from "#lib/model/errors.ts";
import { CHAIN_UPGRADE, ErrorResponse, LEASE_HEADER, ROUTE_PREFIX } from "#lib/protocol/control.ts";
import type { AgentIdentity } from "./identity.ts";
import { type GatewayAddress, PinnedHttpsAgent } from "./pinned-connection.ts";

const ANSWER_BYTES_MAX = 4 * 1024 * 1024;
const SILENCE_MS_MAX = 40_000;
const UPGRADE_MS_MAX = 5_000;

export interface RequestOptions {
  readonly leaseId?: string;
  readonly signal?: AbortSignal;
  /** The connection is given up after this much silence. A long poll needs more than its wait. */
  readonly silenceMsMax?: number;
}

export type Body = Uint8Array | AsyncIterable<Uint8Array>;

export class GatewayClient {
  readonly address: GatewayAddress;
  readonly #agent: PinnedHttpsAgent;

  constructor(address: GatewayAddress, identity: AgentIdentity) {
    this.address = address;
    this.#agent = new PinnedHttpsAgent(address, identity);
  }

  /** JSON up, JSON down. */
  call<Answer>(
    route: string,
    message: unknown,
    schema: z.ZodType<Answer>,
    options: RequestOptions = {},
  ): Promise<Answer> {
    return this.send(route, Buffer.from(JSON.stringify(message)), schema, options);
  }

  /** Bytes up, JSON down. */
  async send<Answer>(
    route: string,
    body: Body,
    schema: z.ZodType<Answer>,
    options: RequestOptions = {},
  ): Promise<Answer> {
    const response = await this.open(route, body, options);
    const text = (await collect(response, this.address)).toString("utf8");
    const parsed = schema.safeParse(parseJson(text));
    if (parsed.success) return parsed.data;
    throw new CodedError("protocol-violation", `The server's answer to ${route} is not understood.`, {
      hint: "Update the agent: the server may speak a newer protocol.",
      cause: parsed.error,
    });
  }

  /** Bytes up, a stream of bytes down: the caller reads it to the end or destroys it. */
  async open(route: string, body: Body, options: RequestOptions = {}): Promise<IncomingMessage> {
    const response = await this.#request(route, body, options);
    if (response.statusCode === 200) return response;
    throw await refusalFrom(response, route, this.address);
  }

  /** This PC's own address on the way to the gateway: where its neighbours find it, too. */
  get localAddress(): string {
    return this.#agent.localAddress;
  }

  /** A stream both ways, within the same trust as everything else. */
  async upgrade(route: string, leaseId: string): Promise<Duplex> {
    const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
    const request = https.request({
      agent: this.#agent,
      host: this.address.host,
      port: this.address.port,
      method: "GET",
      path: `${ROUTE_PREFIX}/${route}`,
      headers: { [LEASE_HEADER]: leaseId, connection: "Upgrade", upgrade: CHAIN_UPGRADE },
    });
    request.setTimeout(UPGRADE_MS_MAX, () => request.destroy(new Error("the server fell silent")));
    request.once("upgrade", (_response, socket) => {
      socket.setTimeout(0);
      resolve(socket);
    });
    request.once("response", (response) => {
      refusalFrom(response, route, this.address).then(reject, reject);
    });
    request.on("error", (cause) => reject(asUnreachable(cause, this.address)));
    request.end();
    return promise;
  }

  close(): void {
    this.#agent.destroy();
  }

  #request(route: string, body: Body, options: RequestOptions): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const request = https.request({
      agent: this.#agent,
      host: this.address.host,
      port: this.address.port,
      method: "POST",
      path: `${ROUTE_PREFIX}/${route}`,
      headers: {
        ...(options.leaseId === undefined ? {} : { [LEASE_HEADER]: options.leaseId }),
        ...(body instanceof Uint8Array ? { "content-length": body.length } : {}),
      },
      signal: options.signal,
    });
    request.setTimeout(options.silenceMsMax ?? SILENCE_MS_MAX, () =>
      request.destroy(new Error("the server fell silent")),
    );
    request.once("response", resolve);
    request.on("error", (cause) => reject(asUnreachable(cause, this.address, options.signal)));
    if (body instanceof Uint8Array) request.end(body);
    else {
      pipeline(Readable.from(body), request).catch((cause: unknown) => {
        // The body's own failure (a disk that cannot be read) matters more than the broken request it causes.
        reject(cause instanceof CodedError ? cause : asUnreachable(cause, this.address, options.signal));
      });
    }
    return promise;
  }
}

/** The whole body of an answer, bounded. */
async function collect(response: IncomingMessage, address: GatewayAddress): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > ANSWER_BYTES_MAX) throw new Error("the answer is longer than allowed");
      chunks.push(chunk);
    }
  } catch (cause) {
    throw asUnreachable(cause, address);
  }
  return Buffer.concat(chunks);
}

async function refusalFrom(
  response: IncomingMessage,
  route: string,
  address: GatewayAddress,
): Promise<CodedError> {
  const parsed = ErrorResponse.safeParse(parseJson((await collect(response, address)).toString("utf8")));
  if (parsed.success) {
    const { code, message, hint } = parsed.data;
    // 429: asked too often. 5xx: the server's own trouble. Both may pass.
    const status = response.statusCode ?? 500;
    const retry = status === 429 || status >= 500 ? "later" : "never";
    return new CodedError(code, message, { hint: hint ?? undefined, retry });
  }
  return new CodedError(
    "protocol-violation",
    `The server answers ${route} with status ${response.statusCode}.`,
    {
      hint: "Check that --server names Sheepfold's gateway port.",
      retry: "later",
    },
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // The schema refuses it with a better message than the parser's.
  }
}

/** A network failure in words, unless it already has a name or the caller gave up by itself. */
export function asUnreachable(cause: unknown, address: GatewayAddress, signal?: AbortSignal): unknown {
  if (cause instanceof CodedError) return cause;
  if (signal?.aborted) return signal.reason;
  const words = cause instanceof Error ? cause.message : String(cause);
  return new CodedError(
    "server-unreachable",
    `The server ${address.host}:${address.port} cannot be reached: ${words}.`,
    {
      hint: "Check the network and that the worker is running; the agent goes on trying.",
      retry: "later",
      cause,
    },
  );
}
