// Who is told, and by which mail server. Secrets come and go sealed; only lib/auth/sealed.ts opens them.
import { z } from "zod";
import { systemRandom } from "#lib/model/clock.ts";
import { CodedError } from "#lib/model/errors.ts";
import { newId } from "#lib/model/ids.ts";
import type { RecipientKind } from "#lib/model/schedule.ts";
import { database } from "./client.ts";

export interface Recipient {
  readonly id: string;
  readonly name: string;
  readonly kind: RecipientKind;
  readonly address: string;
  readonly sealed: string | null;
}

const FIELDS = { id: true, name: true, kind: true, address: true, sealed: true } as const;

export async function listRecipients(): Promise<Recipient[]> {
  return database().recipient.findMany({ select: FIELDS, orderBy: { name: "asc" } });
}

export async function requireRecipient(id: string): Promise<Recipient> {
  const row = await database().recipient.findUnique({ where: { id }, select: FIELDS });
  if (row !== null) return row;
  throw new CodedError("recipient-unknown", `There is no recipient ${id}.`, { hint: "Reload the settings." });
}

export function newRecipientId(): string {
  return newId("recipient", systemRandom);
}

/** The id comes with it: the secret is sealed for this recipient alone. */
export async function createRecipient(recipient: Recipient, createdBy: string): Promise<void> {
  await database().recipient.create({ data: { ...recipient, createdBy } });
}

export async function removeRecipient(id: string): Promise<void> {
  await requireRecipient(id);
  await database().recipient.delete({ where: { id } });
}

const MAIL_SERVER = "mail-server";
const DIGEST = "digest";

const MailServerRow = z.object({
  host: z.string(),
  port: z.number().int(),
  security: z.enum(["tls", "starttls", "none"]),
  from: z.string(),
  user: z.string().nullable(),
  sealedPassword: z.string().nullable(),
});
export type MailServerRow = z.infer<typeof MailServerRow>;

export async function findMailServer(): Promise<MailServerRow | null> {
  return find(MAIL_SERVER, MailServerRow);
}

export async function setMailServer(server: MailServerRow | null): Promise<void> {
  await set(MAIL_SERVER, server);
}

const DigestTime = z.object({
  atMinute: z.number().int().min(0).max(1439),
  timeZone: z.string(),
  sinceMs: z.number(),
});
/** When the morning is, and since when somebody wants it: the first digest is that of the next morning. */
export type DigestTime = z.infer<typeof DigestTime>;

/** Null: nobody has chosen, so there is none. */
export async function findDigestTime(): Promise<DigestTime | null> {
  return find(DIGEST, DigestTime);
}

export async function setDigestTime(time: DigestTime | null): Promise<void> {
  await set(DIGEST, time);
}

async function find<Value>(key: string, schema: z.ZodType<Value>): Promise<Value | null> {
  const row = await database().setting.findUnique({ where: { key } });
  return schema.safeParse(row?.value).data ?? null;
}

async function set(
  key: string,
  value: Readonly<Record<string, string | number | null>> | null,
): Promise<void> {
  if (value === null) await database().setting.deleteMany({ where: { key } });
  else await database().setting.upsert({ where: { key }, create: { key, value }, update: { value } });
}
