// What the routes of variables have in common: the classroom asked about, flags in the query string, and bodies larger than those of
// other routes.
import { z } from "zod";

/** Fifty thousand values of eighty bytes. */
export const LARGE_BODY_BYTES_MAX = 4 * 1024 * 1024;

export const GroupAsked = z.object({
  groupId: z.string().max(64).optional().describe("Id of a classroom: only its PCs."),
});

const YES = ["yes", "true", "1", ""] as const;
const NO = ["no", "false", "0"] as const;

/** "yes", or the name alone, in the query string. */
export const Flag = z.enum([...YES, ...NO]).default("no");

export function isSet(flag: z.output<typeof Flag>): boolean {
  return (YES as readonly string[]).includes(flag);
}
