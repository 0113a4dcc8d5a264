// Texts with {{names}} in them, filled with a PC's values. A name without a value is an error, not an empty place: a printer that is
// missing in one file of one PC would be noticed weeks later.
import { CodedError } from "#lib/model/errors.ts";

const PLACEHOLDER = /\{\{\s*([^{}]*?)\s*\}\}/g;

/** The names that a text asks for, each once. */
export function namesIn(template: string): string[] {
  return [...new Set([...template.matchAll(PLACEHOLDER)].map((match) => match[1] ?? ""))];
}

/** `lookUp` answers null for a name without a value. `where` says in what it stands. */
export function fillTemplate(
  template: string,
  lookUp: (name: string) => string | null,
  where: string,
): string {
  return template.replace(PLACEHOLDER, (_, name: string) => {
    const value = lookUp(name);
    if (value !== null) return value;
    throw valueMissing(name, where);
  });
}

export function valueMissing(name: string, where: string): CodedError {
  return new CodedError(
    "variable-missing",
    `${where} names "${name.slice(0, 64)}", which has no value here.`,
    {
      hint: "Set it for everything, for the classroom or for the PC.",
    },
  );
}
