// Recipients, mail server and digest as the API tells them. No secret leaves its row: only whether there is one.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { lastDigest } from "#lib/db/deliveries.ts";
import { findDigestTime, findMailServer, listRecipients } from "#lib/db/recipients.ts";
import { pageFields, pageOfWhole } from "./paging.ts";

export const RecipientsAsked = z.object(pageFields({ usual: 200, max: 1_000 }));

export async function listRecipientsForApi(viewer: Viewer, asked: z.output<typeof RecipientsAsked>) {
  permit(viewer, "manage-notifications");
  const shown = (await listRecipients()).map(({ sealed, ...rest }) => ({
    ...rest,
    hasSecret: sealed !== null,
  }));
  return pageOfWhole(shown, asked, ({ name, id }) => [name, id]);
}

export async function showMailServerForApi(viewer: Viewer) {
  permit(viewer, "manage-notifications");
  const row = await findMailServer();
  if (row === null) return { mailServer: null };
  const { sealedPassword, ...shown } = row;
  return { mailServer: { ...shown, hasPassword: sealedPassword !== null } };
}

export async function showDigestForApi(viewer: Viewer) {
  permit(viewer, "manage-notifications");
  const last = await lastDigest();
  return {
    digest: await findDigestTime(),
    lastDigest: last === null ? null : { day: last.day, text: last.text },
  };
}
