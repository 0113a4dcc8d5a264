// Pins: a person's word that a snapshot stays, whatever a policy says. A small file each.
import { CodedError } from "#lib/model/errors.ts";
import { FormatError } from "../format/bytes.ts";
import {
  decodePin,
  encodePin,
  PIN_FOLDER,
  type Pin,
  pinFileName,
  snapshotOfPin,
} from "../format/ledger-format.ts";
import { NewerFormatError } from "../format/text-file.ts";
import type { RepositoryState } from "../repository-state.ts";
import { withReserve } from "./reserve.ts";

const REASON_CHARACTERS_MAX = 1024;

/** A pin that cannot be read still pins: its name says which snapshot. */
export async function loadPins(state: RepositoryState): Promise<void> {
  for (const file of await state.storage.list(PIN_FOLDER)) {
    const snapshotId = snapshotOfPin(file.name);
    if (snapshotId === null) continue; // Not ours.
    const { pin, problem } = await readPin(state, file.name);
    if (pin !== null) state.pins.set(snapshotId, pin);
    else if (problem !== null) {
      state.pins.set(snapshotId, { snapshotId, reason: "its pin cannot be read", pinnedAt: "" });
    }
  }
}

export async function readPin(
  state: RepositoryState,
  name: string,
): Promise<{ readonly pin: Pin | null; readonly problem: string | null }> {
  const bytes = await state.storage.readFile(name);
  if (bytes === null) return { pin: null, problem: null };
  try {
    const pin = decodePin(state.owner, bytes);
    if (pin.snapshotId !== snapshotOfPin(name))
      throw new FormatError("it has another name than its content says");
    return { pin, problem: null };
  } catch (error) {
    if (!(error instanceof FormatError) && !(error instanceof NewerFormatError)) throw error;
    return { pin: null, problem: error.message };
  }
}

export async function pinSnapshot(state: RepositoryState, snapshotId: string, reason: string): Promise<Pin> {
  if (reason.trim() === "" || reason.length > REASON_CHARACTERS_MAX) {
    throw new CodedError("input-invalid", "A pin needs a reason of 1 to 1024 characters.", {
      hint: "Say why the snapshot must stay: whoever wants to remove it reads it.",
    });
  }
  const pin = { snapshotId, reason, pinnedAt: new Date(state.clock.nowMs()).toISOString() };
  // In force at once: a prune that begins while the file is written must see it.
  const before = state.pins.get(snapshotId);
  state.pins.set(snapshotId, pin);
  try {
    await state.lock?.assertHeld();
    await withReserve(state.storage, () =>
      state.storage.writeFile(pinFileName(snapshotId), encodePin(state.owner, pin)),
    );
  } catch (error) {
    if (before === undefined) state.pins.delete(snapshotId);
    else state.pins.set(snapshotId, before);
    throw error;
  }
  return pin;
}

/** False when it was not pinned. */
export async function unpinSnapshot(state: RepositoryState, snapshotId: string): Promise<boolean> {
  if (!state.pins.has(snapshotId)) return false;
  await state.lock?.assertHeld();
  await state.storage.remove(pinFileName(snapshotId));
  return state.pins.delete(snapshotId);
}
