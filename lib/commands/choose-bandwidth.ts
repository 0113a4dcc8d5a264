// What "Save" under "Bandwidth" means: how much of the network the server may take for sending pages, by time of day. It holds
// within seconds, for what runs already, too.
import { z } from "zod";
import { permit } from "#lib/auth/permissions.ts";
import type { Viewer } from "#lib/auth/request-viewer.ts";
import { recordAudit } from "#lib/db/audit.ts";
import { findBandwidthRules, setBandwidthRules } from "#lib/db/settings.ts";
import { type BandwidthRules, DAY_MINUTES, ruleInWords } from "#lib/model/bandwidth.ts";
import { parseInput, TimeZone } from "./input.ts";

const RULES_MAX = 32;
const minute = z.number().int().min(0).max(DAY_MINUTES);

export const ChooseBandwidthInput = z.object({
  rules: z
    .array(
      z.object({
        days: z.array(z.number().int().min(0).max(6)).min(1, "must name a day").readonly(),
        fromMinute: minute,
        toMinute: minute,
        mbit: z.number().min(1, "must be at least 1 Mbit/s").max(1_000_000),
      }),
    )
    .max(RULES_MAX)
    .readonly(),
  timeZone: TimeZone,
});

export async function chooseBandwidth(
  viewer: Viewer,
  input: z.input<typeof ChooseBandwidthInput>,
): Promise<BandwidthRules> {
  permit(viewer, "manage-network");
  const rules = parseInput(ChooseBandwidthInput, input);
  await setBandwidthRules(rules);
  await recordAudit(viewer.id, "choose-bandwidth", "settings", {
    rules: rules.rules.map((rule) => `${ruleInWords(rule)}: ${rule.mbit} Mbit/s`).join("; "),
    timeZone: rules.timeZone,
  });
  return rules;
}

export async function showBandwidth(viewer: Viewer): Promise<BandwidthRules> {
  permit(viewer, "read");
  return findBandwidthRules();
}
