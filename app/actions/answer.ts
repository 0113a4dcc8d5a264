// Turns a command's failure into words beside the form that asked. Redirects pass through; a failure without a name is
// logged here, because the browser only learns that there was one.
import "server-only";
import { unstable_rethrow } from "next/navigation";
import type { z } from "zod";
import type { FormState } from "#components/ui/form-state.ts";
import { CodedError, failureReportOf } from "#lib/model/errors.ts";

export async function answer(work: () => Promise<FormState>): Promise<FormState> {
  try {
    return await work();
  } catch (thrown) {
    unstable_rethrow(thrown);
    if (!(thrown instanceof CodedError)) console.error(thrown);
    const { code, message, hint } = failureReportOf(thrown);
    if (code === "internal") {
      return {
        status: "failed",
        code,
        message: "The server could not do this.",
        hint: "The app's log has the details. Nothing is half done: the same click may be repeated.",
      };
    }
    return { status: "failed", code, message, hint };
  }
}

/** The form's fields by a schema; the first wrong one becomes the message. */
export function parseForm<Schema extends z.ZodType>(schema: Schema, form: FormData): z.infer<Schema> {
  const filled = [...form.entries()].filter(([name, value]) => value !== "" && !name.startsWith("$ACTION"));
  const parsed = schema.safeParse(Object.fromEntries(filled));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new CodedError(
    "input-invalid",
    `${issue?.path.join(".") ?? "Input"}: ${issue?.message ?? "not accepted"}`,
    {
      hint: "Correct the field and send the form again.",
    },
  );
}
