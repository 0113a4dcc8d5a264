"use server";

// Clicks that limit how much of the network the server takes.
import { refresh } from "next/cache";
import { z } from "zod";
import type { FormState } from "#components/ui/form-state.ts";
import { requireViewer } from "#lib/auth/viewer.ts";
import { chooseBandwidth, showBandwidth } from "#lib/commands/choose-bandwidth.ts";
import { answer, parseForm } from "./answer.ts";

/** "07:30" as minutes since midnight. */
const clock = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, "must be a time such as 07:30")
  .transform((text) => 60 * Number(text.slice(0, 2)) + Number(text.slice(3)));
const AddForm = z.object({
  days: z
    .string()
    .regex(/^[0-6](,[0-6])*$/)
    .transform((text) => text.split(",").map(Number)),
  from: clock,
  until: clock,
  mbit: z.coerce.number(),
  timeZone: z.string().trim().max(64),
});
const RemoveForm = z.object({ index: z.coerce.number().int().min(0) });

export async function addBandwidthRuleAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    const { days, from, until, mbit, timeZone } = parseForm(AddForm, form);
    const { rules } = await showBandwidth(viewer);
    const rule = { days, fromMinute: from, toMinute: until, mbit };
    await chooseBandwidth(viewer, { rules: [...rules, rule], timeZone });
    refresh();
    return { status: "done", message: "It holds within seconds." };
  });
}

export async function removeBandwidthRuleAction(_previous: FormState, form: FormData): Promise<FormState> {
  return answer(async () => {
    const viewer = await requireViewer();
    const { index } = parseForm(RemoveForm, form);
    const { rules, timeZone } = await showBandwidth(viewer);
    await chooseBandwidth(viewer, { rules: rules.filter((_, at) => at !== index), timeZone });
    refresh();
    return { status: "done", message: "Removed." };
  });
}
