// Sends what is due, one message after the other: claimed in its row first, its end written down after. A clear refusal is tried again
// later, less and less often; what may have arrived is not sent twice.
import { unseal } from "#lib/auth/sealed.ts";
import { type ClaimedDelivery, claimDelivery, endDelivery, giveUpClaims } from "#lib/db/deliveries.ts";
import { findMailServer } from "#lib/db/recipients.ts";
import type { MailServer, Outcome } from "#lib/delivery/message.ts";
import { send } from "#lib/delivery/send.ts";
import { failureReportOf } from "#lib/model/errors.ts";

/** After the first, second, … refusal. Seven tries in about ten hours: a mail server's bad night is shorter. */
const RETRY_AFTER_MS = [1, 5, 15, 60, 180, 360].map((minutes) => minutes * 60_000);
/** Longer than any sending takes. */
const CLAIM_MS_MAX = 5 * 60_000;
const AT_ONCE_MAX = 50;

export async function deliverDue(nowMs: number): Promise<number> {
  await giveUpClaims(nowMs - CLAIM_MS_MAX);
  const mailServer = await openMailServer();
  for (let count = 0; count < AT_ONCE_MAX; count += 1) {
    const claimed = await claimDelivery(nowMs);
    if (claimed === null) return count;
    await deliver(claimed, mailServer, nowMs);
  }
  return AT_ONCE_MAX;
}

async function deliver(
  claimed: ClaimedDelivery,
  mailServer: MailServer | null,
  nowMs: number,
): Promise<void> {
  const { outcome, answer } = await trySend(claimed, mailServer, nowMs);
  const waitMs = RETRY_AFTER_MS[claimed.attempt - 1];
  if (outcome === "accepted") await endDelivery(claimed.id, { state: "sent", answer }, nowMs);
  else if (outcome === "uncertain") await endDelivery(claimed.id, { state: "uncertain", answer }, nowMs);
  else if (waitMs === undefined) await endDelivery(claimed.id, { state: "failed", answer }, nowMs);
  else await endDelivery(claimed.id, { state: "pending", answer, nextTryAtMs: nowMs + waitMs }, nowMs);
}

async function trySend(
  { id, title, text, data, recipient }: ClaimedDelivery,
  mailServer: MailServer | null,
  nowMs: number,
): Promise<Outcome> {
  try {
    const secret = recipient.sealed === null ? null : unseal(recipient.id, recipient.sealed);
    const { kind, address } = recipient;
    return await send({ kind, address, secret }, { id, title, text, data }, mailServer, nowMs);
  } catch (thrown) {
    // A secret that cannot be opened, an address of another version: nothing was sent, and the words say why.
    const { message, hint } = failureReportOf(thrown);
    return { outcome: "refused", answer: hint === null ? message : `${message} ${hint}` };
  }
}

async function openMailServer(): Promise<MailServer | null> {
  const row = await findMailServer();
  if (row === null) return null;
  const { sealedPassword, ...server } = row;
  try {
    return {
      ...server,
      password: sealedPassword === null ? null : unseal("mail-server", sealedPassword),
    };
  } catch {
    return { ...server, password: null }; // the mail server then says no, and its answer is shown
  }
}
