// "recipe-refused": what is on the partition does not allow what a recipe asks for. Thrown before anything of that file is written.
import { CodedError } from "#lib/model/errors.ts";

export function recipeRefused(message: string, hint: string): CodedError {
  return new CodedError("recipe-refused", message, { hint });
}
