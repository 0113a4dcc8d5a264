// secondChance reads again what failed once. Opening and looking up remember what they could not read; a passing fault must not be
// remembered like rot.
import { CodedError } from "#lib/model/errors.ts";

/** One read that went wrong must not make a pack count as damaged, and its snapshots as unreadable, for as long as
 *  the repository is open. */
export async function secondChance<Value>(read: () => Promise<Value>): Promise<Value> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return read();
  }
}
