// Bodies larger than those of other routes: a table, or the values of a whole school. Read no further than they may be.
import { CodedError } from "#lib/model/errors.ts";

/** Fifty thousand values of eighty bytes. */
const JSON_BYTES_MAX = 4 * 1024 * 1024;

/** Throws `input-invalid` as soon as there is more than `bytesMax`. */
export async function bytesOf(request: Request, bytesMax: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of request.body ?? []) {
    length += part.byteLength;
    if (length > bytesMax) {
      throw new CodedError("input-invalid", "The body is too large.", {
        hint: `It may have ${Math.floor(bytesMax / 1024)} KiB. Send it in parts.`,
      });
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}

export async function largeBodyOf(request: Request): Promise<unknown> {
  const bytes = await bytesOf(request, JSON_BYTES_MAX);
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new CodedError("input-invalid", "The body is not JSON.", { cause });
  }
}

/** "yes" or nothing, in the query string. */
export function flagOf(request: Request, name: string): boolean {
  const text = new URL(request.url).searchParams.get(name);
  if (text === null) return false;
  if (["yes", "true", "1", ""].includes(text)) return true;
  if (["no", "false", "0"].includes(text)) return false;
  throw new CodedError("input-invalid", `${name} must be yes or no.`);
}
