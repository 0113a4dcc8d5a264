// What the page's actions answer to code rather than to a form, and what stands in for an answer that never came.
import type { ValuesPreview } from "#lib/model/variable-grid.ts";
import type { FormState } from "../ui/form-state.ts";

export type Failed = Extract<FormState, { status: "failed" }>;
export type SaveAction = (wishes: unknown) => Promise<FormState>;
export type PreviewAction<Preview extends ValuesPreview> = (
  wish: unknown,
) => Promise<Failed | { readonly status: "shown"; readonly preview: Preview }>;

const UNREACHABLE: Failed = {
  status: "failed",
  code: "server-unreachable",
  message: "The server did not answer.",
  hint: "Nothing that you typed is lost. Try again in a moment; a very large change may have to go in parts.",
};

/** An action throws only when its request failed: everything else it answers. */
export async function orUnreachable<Answer>(answer: Promise<Answer>): Promise<Answer | Failed> {
  try {
    return await answer;
  } catch (thrown) {
    console.error(thrown);
    return UNREACHABLE;
  }
}
