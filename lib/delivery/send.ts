// One message to one recipient, by its kind.
import { sendMail } from "./mail.ts";
import type { Address, MailServer, Message, Outcome } from "./message.ts";
import { post } from "./post.ts";

export async function send(
  address: Address,
  message: Message,
  mailServer: MailServer | null,
  nowMs: number,
): Promise<Outcome> {
  if (address.kind !== "mail") return post(address, message, nowMs);
  if (mailServer !== null) return sendMail(mailServer, address.address, message);
  return { outcome: "refused", answer: "No mail server is entered under Settings." };
}
