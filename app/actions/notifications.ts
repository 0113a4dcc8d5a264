"use server";

// Clicks under Settings, Notifications.
import { refresh } from "next/cache";
import { z } from "zod";
import type { FormState } from "#components/ui/form-state.ts";
import { requireViewer } from "#lib/auth/viewer.ts";
import {
  chooseDigest,
  chooseMailServer,
  createRecipient,
  removeRecipient,
  testRecipient,
} from "#lib/commands/notifications.ts";
import { RECIPIENT_KINDS } from "#lib/model/schedule.ts";
import { answer, parseForm } from "./answer.ts";

const RecipientForm = z.object({
  name: z.string(),
  kind: z.enum(RECIPIENT_KINDS),
  address: z.string(),
  secret: z.string().optional(),
});
const RecipientIdForm = z.object({ recipientId: z.string().max(64) });
const MailServerForm = z.object({
  host: z.string(),
  port: z.coerce.number(),
  security: z.enum(["tls", "starttls", "none"]),
  from: z.string(),
  user: z.string().optional(),
  password: z.string().optional(),
});
const DigestForm = z.object({
  at: z
    .string()
    .regex(/^([01]\d|2[0-3]):[0-5]\d$/, "must be a time such as 07:00")
    .transform((text) => 60 * Number(text.slice(0, 2)) + Number(text.slice(3))),
  timeZone: z.string().trim().max(64),
});

export async function addRecipientAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    const { name } = await createRecipient(viewer, parseForm(RecipientForm, form));
    refresh();
    return { status: "done", message: `${name} is added. Send a test to see that it arrives.` };
  });
}

export async function removeRecipientAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    await removeRecipient(viewer, parseForm(RecipientIdForm, form));
    refresh();
    return { status: "idle" };
  });
}

export async function testRecipientAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    const { answer: words } = await testRecipient(viewer, parseForm(RecipientIdForm, form));
    return { status: "done", message: `Taken. The server answered: ${words}` };
  });
}

export async function chooseMailServerAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    await chooseMailServer(viewer, parseForm(MailServerForm, form));
    refresh();
    return { status: "done", message: "Saved. A recipient’s test shows whether it works." };
  });
}

export async function chooseDigestAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    const { at: atMinute, timeZone } = parseForm(DigestForm, form);
    await chooseDigest(viewer, { atMinute, timeZone });
    refresh();
    return { status: "done", message: "Saved." };
  });
}

export async function stopDigestAction(_previous: FormState, _form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    await chooseDigest(viewer, null);
    refresh();
    return { status: "done", message: "No digest is made any more." };
  });
}
