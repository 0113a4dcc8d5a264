// The ledger and the pins: what a repository must remember although the snapshots that said so are gone
// (docs/repository-format.md §2).
import { decodePackListing, type PackListing } from "./snapshot-format.ts";
import {
  countField,
  decodeOwnedFile,
  encodeOwnedFile,
  idField,
  listField,
  objectOf,
  type TextFileKind,
  type TextOwner,
  textField,
} from "./text-file.ts";

export const LEDGER_FILE = "ledger";
export const PIN_FOLDER = "pins";

export interface Ledger {
  /** Lower bounds: a writer hands out nothing below these, whatever files are left. */
  readonly nextSequence: number;
  readonly nextBlockId: number;
  readonly nextNodeId: number;
  /** Packs that pruned snapshots had listed and that are still there. */
  readonly packs: readonly PackListing[];
  /** Packs that GC has removed, or was about to: a writer finishes that and finds nothing in them. */
  readonly removed: readonly string[];
}

export const EMPTY_LEDGER: Ledger = {
  nextSequence: 1,
  nextBlockId: 0,
  nextNodeId: 0,
  packs: [],
  removed: [],
};

export interface Pin {
  readonly snapshotId: string;
  readonly reason: string;
  readonly pinnedAt: string;
}

const LEDGER: TextFileKind = { magic: "SHEEPFOLD LEDGER", domain: "sheepfold-ledger-v1" };
const PIN: TextFileKind = { magic: "SHEEPFOLD PIN", domain: "sheepfold-pin-v1" };
const PIN_NAME = /^pins\/(snap_[0-9a-z]{20})\.json$/;

export function encodeLedger(owner: TextOwner, ledger: Ledger): Uint8Array {
  return encodeOwnedFile(LEDGER, owner, ledger);
}

export function decodeLedger(owner: TextOwner, bytes: Uint8Array): Ledger {
  const fields = decodeOwnedFile(LEDGER, owner, bytes);
  return {
    nextSequence: countField(fields, "nextSequence"),
    nextBlockId: idField(fields, "nextBlockId"),
    nextNodeId: idField(fields, "nextNodeId"),
    packs: listField(fields, "packs").map((pack) => decodePackListing(objectOf(pack, "a pack"))),
    removed: listField(fields, "removed").map((name) => textField({ name }, "name", 256)),
  };
}

export function pinFileName(snapshotId: string): string {
  return `${PIN_FOLDER}/${snapshotId}.json`;
}

/** The snapshot a file in the folder of pins is for, or null when it is not ours. */
export function snapshotOfPin(fileName: string): string | null {
  return PIN_NAME.exec(fileName)?.[1] ?? null;
}

export function encodePin(owner: TextOwner, pin: Pin): Uint8Array {
  return encodeOwnedFile(PIN, owner, pin);
}

export function decodePin(owner: TextOwner, bytes: Uint8Array): Pin {
  const fields = decodeOwnedFile(PIN, owner, bytes);
  return {
    snapshotId: textField(fields, "snapshotId", 64),
    reason: textField(fields, "reason", 1024),
    pinnedAt: textField(fields, "pinnedAt", 40),
  };
}
