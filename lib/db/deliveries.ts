// Rows of what goes out: one per recipient and subject, claimed by one worker, sent at most once. A claim that nobody ended belongs to a
// worker that died while it was sending: whether the message arrived is unknown, and it is not sent again.
import { systemRandom } from "#lib/model/clock.ts";
import { newId } from "#lib/model/ids.ts";
import type { DeliveryState } from "#lib/model/schedule.ts";
import { database, inTransaction, type Transaction } from "./client.ts";
import type { Recipient } from "./recipients.ts";

export interface NewMessage {
  /** "digest 2026-11-28", "alarm run_…": nobody gets the same one twice. */
  readonly subject: string;
  readonly title: string;
  readonly text: string;
  readonly data: object;
}

export interface ClaimedDelivery {
  readonly id: string;
  readonly title: string;
  readonly text: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly attempt: number;
  readonly recipient: Recipient;
}

/** One row for each recipient there is now. */
export async function queueMessage(
  message: NewMessage,
  nowMs: number,
  tx: Pick<Transaction, "recipient" | "delivery"> = database(),
): Promise<void> {
  const recipients = await tx.recipient.findMany({ select: { id: true } });
  const { data, ...words } = message;
  const now = new Date(nowMs);
  await tx.delivery.createMany({
    data: recipients.map(({ id: recipientId }) => ({
      id: newId("delivery", systemRandom),
      recipientId,
      ...words,
      data: { ...data },
      createdAt: now,
      nextTryAt: now,
    })),
    skipDuplicates: true,
  });
}

/** A day's digest and what goes out with it, together or not at all. False: that day has its digest. */
export async function createDigestOnce(
  digest: { readonly day: string; readonly fromMs: number; readonly toMs: number },
  message: NewMessage,
  nowMs: number,
): Promise<boolean> {
  return inTransaction(async (tx) => {
    const { count } = await tx.digest.createMany({
      data: [
        {
          day: digest.day,
          from: new Date(digest.fromMs),
          to: new Date(digest.toMs),
          text: message.text,
          content: { ...message.data },
          createdAt: new Date(nowMs),
        },
      ],
      skipDuplicates: true,
    });
    if (count > 0) await queueMessage(message, nowMs, tx);
    return count > 0;
  });
}

export interface DigestRow {
  readonly day: string;
  readonly toMs: number;
  readonly text: string;
}

export async function lastDigest(): Promise<DigestRow | null> {
  const row = await database().digest.findFirst({ orderBy: { day: "desc" } });
  return row === null ? null : { day: row.day, toMs: row.to.getTime(), text: row.text };
}

export async function claimDelivery(nowMs: number): Promise<ClaimedDelivery | null> {
  const due = await database().delivery.findFirst({
    where: { state: "pending", nextTryAt: { lte: new Date(nowMs) } },
    orderBy: [{ nextTryAt: "asc" }, { id: "asc" }],
    include: { recipient: true },
  });
  if (due === null) return null;
  const { count } = await database().delivery.updateMany({
    where: { id: due.id, state: "pending", attempt: due.attempt },
    data: { state: "sending", attempt: { increment: 1 }, claimedAt: new Date(nowMs) },
  });
  if (count === 0) return claimDelivery(nowMs); // another worker has it: the next, if there is one
  const { id, name, kind, address, sealed } = due.recipient;
  const data = typeof due.data === "object" && due.data !== null ? { ...due.data } : {};
  return {
    id: due.id,
    title: due.title,
    text: due.text,
    data,
    attempt: due.attempt + 1,
    recipient: { id, name, kind, address, sealed },
  };
}

export async function endDelivery(
  id: string,
  end: {
    readonly state: Exclude<DeliveryState, "sending">;
    readonly answer: string;
    readonly nextTryAtMs?: number;
  },
  nowMs: number,
): Promise<void> {
  await database().delivery.updateMany({
    where: { id, state: "sending" },
    data: {
      state: end.state,
      answer: end.answer,
      ...(end.state === "sent" ? { sentAt: new Date(nowMs) } : {}),
      ...(end.nextTryAtMs === undefined ? {} : { nextTryAt: new Date(end.nextTryAtMs) }),
    },
  });
}

/** Claims from before that moment whose worker never said how they ended. */
export async function giveUpClaims(beforeMs: number): Promise<number> {
  const { count } = await database().delivery.updateMany({
    where: { state: "sending", claimedAt: { lt: new Date(beforeMs) } },
    data: {
      state: "uncertain",
      answer: "The worker ended while it was sending. It may have arrived; it is not sent again.",
    },
  });
  return count;
}

export interface DeliveryRow {
  readonly id: string;
  readonly subject: string;
  readonly recipientName: string;
  readonly state: DeliveryState;
  readonly attempt: number;
  readonly createdAt: string;
  readonly answer: string | null;
}

export async function listDeliveries(limit: number): Promise<DeliveryRow[]> {
  const rows = await database().delivery.findMany({
    orderBy: [{ createdAt: "desc" }, { id: "asc" }],
    take: limit,
    include: { recipient: { select: { name: true } } },
  });
  return rows.map((row) => ({
    id: row.id,
    subject: row.subject,
    recipientName: row.recipient.name,
    state: row.state,
    attempt: row.attempt,
    createdAt: row.createdAt.toISOString(),
    answer: row.answer,
  }));
}
