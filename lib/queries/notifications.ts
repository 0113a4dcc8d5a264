// Who is told, when, and how the last messages went. No secret leaves its row: only whether there is one.
import "server-only";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/viewer.ts";
import { type DeliveryRow, lastDigest, listDeliveries } from "#lib/db/deliveries.ts";
import { type DigestTime, findDigestTime, findMailServer, listRecipients } from "#lib/db/recipients.ts";
import type { RecipientKind } from "#lib/model/schedule.ts";

export interface RecipientView {
  readonly id: string;
  readonly name: string;
  readonly kind: RecipientKind;
  readonly address: string;
  readonly hasSecret: boolean;
}

export interface MailServerView {
  readonly host: string;
  readonly port: number;
  readonly security: "tls" | "starttls" | "none";
  readonly from: string;
  readonly user: string | null;
  readonly hasPassword: boolean;
}

export interface NotificationsView {
  readonly recipients: readonly RecipientView[];
  readonly mailServer: MailServerView | null;
  readonly digest: DigestTime | null;
  readonly lastDigest: { readonly day: string; readonly text: string } | null;
  readonly deliveries: readonly DeliveryRow[];
}

const DELIVERIES_SHOWN = 10;

export async function notificationsView(viewer: Viewer): Promise<NotificationsView> {
  permit(viewer, "manage-notifications");
  const [recipients, server, digest, last, deliveries] = await Promise.all([
    listRecipients(),
    findMailServer(),
    findDigestTime(),
    lastDigest(),
    listDeliveries(DELIVERIES_SHOWN),
  ]);
  return {
    recipients: recipients.map(({ sealed, ...shown }) => ({ ...shown, hasSecret: sealed !== null })),
    mailServer: server === null ? null : mailServerView(server),
    digest,
    lastDigest: last === null ? null : { day: last.day, text: last.text },
    deliveries,
  };
}

function mailServerView({
  sealedPassword,
  ...shown
}: NonNullable<Awaited<ReturnType<typeof findMailServer>>>) {
  return { ...shown, hasPassword: sealedPassword !== null };
}
