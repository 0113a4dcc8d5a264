// One request to the gateway, with who asks and what for, as the router hands it to a route.
import type { IncomingMessage, ServerResponse } from "node:http";

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Hex SHA-256 of the public key that the asking agent proved to hold. */
  readonly keyHash: string;
  readonly query: URLSearchParams;
  /** Aborted when the agent goes away or the gateway closes. */
  readonly signal: AbortSignal;
}

/** 0, 1, 2, … from text; null when it is anything else. */
export function wholeNumber(text: string | null): number | null {
  return text !== null && /^\d{1,10}$/.test(text) ? Number(text) : null;
}
