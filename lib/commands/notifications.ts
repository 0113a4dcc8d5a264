// Who is told in the morning and when something is late: recipients, the mail server, the hour of the digest, and the test that shows
// what the other server really answers. Secrets go in sealed and never come out.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { seal, unseal } from "#lib/auth/sealed.ts";
import { recordAudit } from "#lib/db/audit.ts";
import {
  createRecipient as createRow,
  type DigestTime,
  findMailServer,
  newRecipientId,
  removeRecipient as removeRow,
  requireRecipient,
  setDigestTime,
  setMailServer,
} from "#lib/db/recipients.ts";
import type { MailServer } from "#lib/delivery/message.ts";
import { checkUrl } from "#lib/delivery/post.ts";
import { send } from "#lib/delivery/send.ts";
import { DAY_MINUTES } from "#lib/model/bandwidth.ts";
import { CodedError } from "#lib/model/errors.ts";
import { RECIPIENT_KINDS, type RecipientKind } from "#lib/model/schedule.ts";
import { Id, Label, parseInput, TimeZone } from "./input.ts";

const Secret = z.string().min(1).max(500);

export const CreateRecipientInput = z.object({
  name: Label,
  kind: z.enum(RECIPIENT_KINDS),
  address: z.string().trim().min(1, "must not be empty").max(1000),
  /** A webhook's signing key or a push service's token. */
  secret: Secret.optional(),
});
export const RecipientInput = z.object({ recipientId: Id });
export const ChooseMailServerInput = z.object({
  host: z.string().trim().min(1, "must not be empty").max(253),
  port: z.number().int().min(1).max(65_535),
  security: z.enum(["tls", "starttls", "none"]),
  from: z.email("must be a mail address"),
  user: z.string().trim().max(320).optional(),
  /** Absent: the one there is stays, for the same host and user. */
  password: Secret.optional(),
});
export const ChooseDigestInput = z.object({
  atMinute: z
    .number()
    .int()
    .min(0)
    .max(DAY_MINUTES - 1),
  timeZone: TimeZone,
});

export async function createRecipient(
  viewer: Viewer,
  input: z.input<typeof CreateRecipientInput>,
): Promise<{
  readonly id: string;
  readonly name: string;
  readonly kind: RecipientKind;
  readonly address: string;
}> {
  permit(viewer, "manage-notifications");
  const { name, kind, address, secret } = parseInput(CreateRecipientInput, input);
  if (kind === "mail") parseInput(z.object({ address: z.email("must be a mail address") }), { address });
  else checkUrl(address);
  const id = newRecipientId();
  const sealed = secret === undefined || kind === "mail" ? null : seal(id, secret);
  await createRow({ id, name, kind, address, sealed }, viewer.id);
  await recordAudit(viewer.id, "create-recipient", id, { name, kind, address });
  return { id, name, kind, address };
}

export async function removeRecipient(viewer: Viewer, input: z.input<typeof RecipientInput>): Promise<void> {
  permit(viewer, "manage-notifications");
  const { recipientId } = parseInput(RecipientInput, input);
  await removeRow(recipientId);
  await recordAudit(viewer.id, "remove-recipient", recipientId, {});
}

/** Sends a few words now. What the other server answered comes back as it is, or as the failure it is. */
export async function testRecipient(
  viewer: Viewer,
  input: z.input<typeof RecipientInput>,
): Promise<{ readonly answer: string }> {
  permit(viewer, "manage-notifications");
  const { recipientId } = parseInput(RecipientInput, input);
  const { id, name, kind, address, sealed } = await requireRecipient(recipientId);
  const nowMs = Date.now();
  const { outcome, answer } = await send(
    { kind, address, secret: sealed === null ? null : unseal(id, sealed) },
    {
      id: `test-${nowMs}`,
      title: "Sheepfold: a test",
      text: `${viewer.name} asked Sheepfold to send this. Digests and alarms will come the same way.\n`,
      data: { kind: "test" },
    },
    kind === "mail" ? await openMailServer() : null,
    nowMs,
  );
  await recordAudit(viewer.id, "test-recipient", id, { outcome, answer });
  if (outcome === "accepted") return { answer };
  throw new CodedError("delivery-refused", `${name} was not reached: ${answer}`, {
    hint: kind === "mail" ? "Check mail server and address." : "Check the URL, and its secret if it has one.",
  });
}

export async function chooseMailServer(
  viewer: Viewer,
  input: z.input<typeof ChooseMailServerInput>,
): Promise<void> {
  permit(viewer, "manage-notifications");
  const { password, user = null, ...server } = parseInput(ChooseMailServerInput, input);
  const before = await findMailServer();
  // A password only goes on to the server it was entered for: a new host must not be handed the old one's.
  const isSame = before?.host === server.host && before.user === user;
  const kept = isSame ? before.sealedPassword : null;
  const sealedPassword = password === undefined ? kept : seal("mail-server", password);
  await setMailServer({ ...server, user, sealedPassword });
  await recordAudit(viewer.id, "choose-mail-server", "settings", { host: server.host, port: server.port });
}

/** Null: no digest. */
export async function chooseDigest(
  viewer: Viewer,
  input: z.input<typeof ChooseDigestInput> | null,
): Promise<DigestTime | null> {
  permit(viewer, "manage-notifications");
  const time = input === null ? null : { ...parseInput(ChooseDigestInput, input), sinceMs: Date.now() };
  await setDigestTime(time);
  await recordAudit(viewer.id, "choose-digest", "settings", time === null ? { none: true } : { ...time });
  return time;
}

async function openMailServer(): Promise<MailServer | null> {
  const row = await findMailServer();
  if (row === null) return null;
  const { sealedPassword, ...server } = row;
  return { ...server, password: sealedPassword === null ? null : unseal("mail-server", sealedPassword) };
}
