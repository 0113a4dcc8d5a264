// What a server action answers to its form: nothing yet, a failure to show, or a success to tell (and perhaps a secret to
// show once). An action that leads elsewhere redirects instead of answering.
export type FormState =
  | { readonly status: "idle" }
  | {
      readonly status: "failed";
      readonly code: string;
      readonly message: string;
      readonly hint: string | null;
    }
  | { readonly status: "done"; readonly message: string; readonly secret?: string };

export type FormAction = (previous: FormState, form: FormData) => Promise<FormState>;

export const IDLE: FormState = { status: "idle" };
