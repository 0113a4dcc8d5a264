// What administrators choose for the whole server. A value that cannot be read (another version wrote it) counts as not chosen.
import { z } from "zod";
import { type BandwidthRules, DAY_MINUTES, UNLIMITED } from "#lib/model/bandwidth.ts";
import { database } from "./client.ts";

const BANDWIDTH = "bandwidth";
const minute = z.number().int().min(0).max(DAY_MINUTES);

const Bandwidth = z.object({
  rules: z.array(
    z.object({
      days: z.array(z.number().int().min(0).max(6)),
      fromMinute: minute,
      toMinute: minute,
      mbit: z.number().positive(),
    }),
  ),
  timeZone: z.string(),
});

export async function findBandwidthRules(): Promise<BandwidthRules> {
  const row = await database().setting.findUnique({ where: { key: BANDWIDTH } });
  return Bandwidth.safeParse(row?.value).data ?? UNLIMITED;
}

export async function setBandwidthRules(rules: BandwidthRules): Promise<void> {
  const value = Bandwidth.parse(rules);
  await database().setting.upsert({
    where: { key: BANDWIDTH },
    create: { key: BANDWIDTH, value },
    update: { value },
  });
}
