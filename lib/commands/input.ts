// The bounded fields of commands, and the one way a command reads its input: whatever calls it, a wrong field is an
// "input-invalid" that names the field.
import { z } from "zod";
import { CodedError } from "#lib/model/errors.ts";
import { isNodeName } from "#lib/model/node.ts";

/** Chosen by the form or the API's caller; the same one again means the same wish. */
export const RequestId = z.string().min(8).max(128);
export const Id = z.string().min(1).max(64);
export const Comment = z.string().trim().max(500).default("");
/** How an archive is to be stored; what is left out is the repository's choice. checkArchiveWords says what fits. */
export const ArchiveFields = {
  technique: z.string().max(32).optional(),
  compression: z.string().max(32).optional(),
  base: z.string().max(64).optional(),
};
export const TimeZone = z
  .string()
  .max(64)
  .refine(isTimeZone, "must be a time zone, such as UTC or Europe/Vienna");
export const Label = z.string().trim().min(1, "must not be empty").max(64);
export const NodeName = z
  .string()
  .trim()
  .refine(
    isNodeName,
    "must have 1 to 64 letters, digits, dots, dashes or underscores, and begin with a letter or digit",
  );

export function parseInput<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.path.join(".") || "The input";
  throw new CodedError("input-invalid", `${field}: ${issue?.message ?? "not accepted"}`, {
    hint: "Correct the named field and send it again.",
  });
}

function isTimeZone(text: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: text });
    return true;
  } catch {
    return false;
  }
}
