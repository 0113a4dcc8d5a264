// What is told to people outside, and how it went. "refused" is a clear no, after which trying again is safe; "uncertain" means that the other
// side may have taken it before the line went silent, so that nobody sends it twice.
import type { RecipientKind } from "#lib/model/schedule.ts";

export interface Message {
  /** The delivery's own id, for receivers that want to be sure. */
  readonly id: string;
  readonly title: string;
  readonly text: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface Address {
  readonly kind: RecipientKind;
  /** Mail address or URL. */
  readonly address: string;
  /** Plain: a webhook's signing key, a push service's token. */
  readonly secret: string | null;
}

export interface MailServer {
  readonly host: string;
  readonly port: number;
  /** "tls" from the first byte, "starttls" before anything is said, "none" for a server on this machine. */
  readonly security: "tls" | "starttls" | "none";
  readonly from: string;
  readonly user: string | null;
  readonly password: string | null;
}

export interface Outcome {
  readonly outcome: "accepted" | "refused" | "uncertain";
  /** What the other server said, as it said it, bounded. */
  readonly answer: string;
}

const ANSWER_CHARACTERS_MAX = 300;

export function boundedAnswer(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a foreign server's words must not steer a terminal or a log.
  const printable = text.replace(/[\u0000-\u001f\u007f]+/g, " ").trim();
  return printable.length > ANSWER_CHARACTERS_MAX
    ? `${printable.slice(0, ANSWER_CHARACTERS_MAX)}…`
    : printable;
}
