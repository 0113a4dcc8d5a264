// Webhooks and push services: one POST to a URL that an administrator entered. A webhook gets JSON, signed with HMAC-SHA-256 over time stamp
// and body when it has a key; a push service (ntfy and its kin) gets the text, with the title in a header.
//
// The server makes this request from inside its own network, to wherever the URL leads: that is the point, and it is why only
// administrators may enter one. Only http and https, no redirects, no name or password in the URL, and of the answer no more than its first words.
import { createHmac } from "node:crypto";
import { CodedError } from "#lib/model/errors.ts";
import { type Address, boundedAnswer, type Message, type Outcome } from "./message.ts";

const ANSWER_MS_MAX = 15_000;
const ANSWER_BYTES_MAX = 4_096;

/** Throws `input-invalid`. */
export function checkUrl(text: string): void {
  const url = URL.parse(text);
  if (url === null || !["http:", "https:"].includes(url.protocol)) {
    throw new CodedError("input-invalid", "The address must be a URL that begins with http:// or https://.", {
      hint: "The server itself sends to it, so it may lie inside your network.",
    });
  }
  if (url.username === "" && url.password === "") return;
  throw new CodedError("input-invalid", "A URL must not carry a name and password.", {
    hint: "Enter the secret in its own field: it is kept sealed.",
  });
}

export async function post(address: Address, message: Message, nowMs: number): Promise<Outcome> {
  checkUrl(address.address);
  const { headers, body } =
    address.kind === "push" ? asPush(address, message) : asHook(address, message, nowMs);
  try {
    const answer = await fetch(address.address, {
      method: "POST",
      headers,
      body,
      redirect: "manual",
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    });
    const words = boundedAnswer(`${answer.status} ${answer.statusText} ${await firstWords(answer)}`);
    return { outcome: answer.ok ? "accepted" : "refused", answer: words };
  } catch (thrown) {
    return failed(thrown);
  }
}

/** Over `timestamp.body`, as hex. */
export function signatureOf(secret: string, timestamp: string, body: string): string {
  return createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex");
}

function asHook({ secret }: Address, { id, title, text, data }: Message, nowMs: number) {
  const body = JSON.stringify({ id, title, text, ...data });
  const timestamp = String(Math.floor(nowMs / 1000));
  const headers: Record<string, string> = {
    "content-type": "application/json",
    "x-sheepfold-delivery": id,
    "x-sheepfold-timestamp": timestamp,
  };
  if (secret !== null) headers["x-sheepfold-signature"] = `sha256=${signatureOf(secret, timestamp, body)}`;
  return { headers, body };
}

function asPush({ secret }: Address, { title, text }: Message) {
  const headers: Record<string, string> = {
    "content-type": "text/plain; charset=utf-8",
    // Headers are bytes of Latin-1; what is beyond would make fetch refuse the whole message.
    title: title.replace(/[^\x20-\x7e]/g, "?"),
  };
  if (secret !== null) headers.authorization = `Bearer ${secret}`;
  return { headers, body: text };
}

async function firstWords(answer: Response): Promise<string> {
  const reader = answer.body?.getReader();
  if (reader === undefined) return "";
  const { value } = await reader.read();
  await reader.cancel();
  return new TextDecoder().decode((value ?? new Uint8Array()).subarray(0, ANSWER_BYTES_MAX));
}

/** Before a connection stands nothing was said; after that a silence may hide a yes. */
function failed(thrown: unknown): Outcome {
  const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : null;
  const code = cause !== null && "code" in cause ? String(cause.code) : "";
  const neverReached =
    /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|CERT_|DEPTH_|SELF_|UNABLE_|ERR_TLS_)/;
  // What has no code was refused by this side: a port that browsers do not use, a header that is none.
  const neverSent = cause !== null && code === "";
  const words = cause?.message || (thrown instanceof Error ? thrown.message : String(thrown));
  return {
    outcome: neverSent || neverReached.test(code) ? "refused" : "uncertain",
    answer: boundedAnswer(words || code),
  };
}
