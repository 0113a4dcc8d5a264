// Mail over SMTP, by nodemailer: one connection per message, plain text, no attachments, bounded waits.
import { createTransport } from "nodemailer";
import { boundedAnswer, type MailServer, type Message, type Outcome } from "./message.ts";

const CONNECT_MS_MAX = 10_000;
const SILENCE_MS_MAX = 20_000;

export async function sendMail(server: MailServer, to: string, message: Message): Promise<Outcome> {
  const transport = createTransport({
    host: server.host,
    port: server.port,
    secure: server.security === "tls",
    requireTLS: server.security === "starttls",
    ignoreTLS: server.security === "none",
    connectionTimeout: CONNECT_MS_MAX,
    greetingTimeout: CONNECT_MS_MAX,
    socketTimeout: SILENCE_MS_MAX,
    // A message's parts never name files or URLs to be fetched; this makes sure.
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(server.user === null ? {} : { auth: { user: server.user, pass: server.password ?? "" } }),
  });
  try {
    const { id, title, text } = message;
    const sent = await transport.sendMail({
      from: server.from,
      to,
      subject: title,
      text,
      messageId: `<${id}@${hostOf(server.from)}>`,
      headers: { "Auto-Submitted": "auto-generated" },
    });
    return { outcome: "accepted", answer: boundedAnswer(sent.response) };
  } catch (thrown) {
    return failed(thrown);
  } finally {
    transport.close();
  }
}

/** A mail server that has seen the whole message and then falls silent may have taken it. */
function failed(thrown: unknown): Outcome {
  const facts =
    thrown instanceof Error ? { ...thrown, message: thrown.message } : { message: String(thrown) };
  const said = "response" in facts && typeof facts.response === "string" ? facts.response : null;
  const isAfterData = "command" in facts && facts.command === "DATA" && said === null;
  return { outcome: isAfterData ? "uncertain" : "refused", answer: boundedAnswer(said ?? facts.message) };
}

function hostOf(from: string): string {
  return /@([A-Za-z0-9.-]+)/.exec(from)?.[1] ?? "sheepfold.invalid";
}
