// Sealed bytes in other hands: cut off, changed, put in another's place, or replaced by bytes that were never sealed, with every
// checksum made anew. Opening them is always a FormatError.
import { describe, expect, test } from "vitest";
import { Chance } from "#lib/model/chance.ts";
import { ByteReader, FormatError } from "../format/bytes.ts";
import { decodeLedger, EMPTY_LEDGER, encodeLedger, encodePin, type Pin } from "../format/ledger-format.ts";
import {
  encodeSegmentHeader,
  type PackIdentity,
  type SegmentHeader,
  sealBytesOf,
} from "../format/pack-format.ts";
import { decodeBlocks, encodeSegment } from "../format/segment-codec.ts";
import {
  decodeOwnedFile,
  encodeOwnedFile,
  encodeTextFile,
  NewerFormatError,
  type TextOwner,
} from "../format/text-file.ts";
import { seal, unseal } from "./aead.ts";
import { decodeEncryption, encodeEncryption, wrapMasterKey } from "./key-slots.ts";
import { deriveKeys, digestOf, keyedDigestText } from "./repository-keys.ts";

const ID = "00112233445566778899aabbccddeeff";
const OTHER_ID = "ff112233445566778899aabbccddeeff";
const MASTER_KEY = new Uint8Array(32).fill(5);
const KEYS = deriveKeys(MASTER_KEY, ID);
const PACK: PackIdentity = { kind: "data", repositoryId: ID, blockSize: 4096, keys: KEYS };
const chance = new Chance(3);

interface Stored {
  readonly header: SegmentHeader;
  readonly payload: Uint8Array;
}

function sealedSegment(firstId: number, seed: number, pack = PACK): Stored {
  const raw = new Uint8Array(8192).map((_, index) => (index * seed) % 50);
  const sealing = pack.keys === null ? null : { pack, firstId, count: 2, nonce: chance.bytes(12) };
  const { codec, payload } = encodeSegment(raw, { codec: "none", level: 0 }, sealing);
  const header = { codec, firstId, count: 2, rawBytes: raw.length, encodedBytes: payload.length };
  return { header, payload };
}

/** As a reader would take it out of a pack whose checksums all fit. */
function readAs(pack: PackIdentity, header: SegmentHeader, payload: Uint8Array): Uint8Array {
  const claimed = { ...header, encodedBytes: payload.length };
  const bytes = Buffer.concat([encodeSegmentHeader(pack, claimed, payload), payload]);
  return decodeBlocks(pack, { ...claimed, rawStart: 0, isShared: false }, bytes);
}

describe("EN-4: segments", () => {
  const { header, payload } = sealedSegment(64, 3);

  test("come back as they were", () => {
    expect(payload.length).toBe(8192 + sealBytesOf(PACK));
    expect(readAs(PACK, header, payload)[7]).toBe(21);
  });

  test("cannot change places: not within a pack, not between repositories, not between kinds", () => {
    const other = sealedSegment(128, 7);
    expect(() => readAs(PACK, header, other.payload)).toThrow(FormatError);
    expect(() => readAs(PACK, other.header, payload)).toThrow(FormatError);
    expect(() => readAs({ ...PACK, repositoryId: OTHER_ID }, header, payload)).toThrow(FormatError);
    expect(() => readAs({ ...PACK, keys: deriveKeys(MASTER_KEY, OTHER_ID) }, header, payload)).toThrow(
      FormatError,
    );
    expect(() => readAs({ ...PACK, kind: "nodes" }, header, payload)).toThrow(FormatError);
    for (const claim of [{ count: 1 }, { codec: 1 }, { rawBytes: 8191 }, { firstId: 65 }]) {
      expect(() => readAs(PACK, { ...header, ...claim }, payload), JSON.stringify(claim)).toThrow(
        FormatError,
      );
    }
  });

  test("that were never sealed are refused, and so are sealed ones where nothing is", () => {
    const plain = sealedSegment(64, 3, { ...PACK, keys: null });
    expect(() => readAs(PACK, plain.header, plain.payload)).toThrow(FormatError);
    expect(() => readAs({ ...PACK, keys: null }, header, payload)).toThrow(FormatError);
  });

  test("cut off, longer, or with any byte changed they are refused", () => {
    for (const length of [0, 1, 11, 12, 27, 28, 29, payload.length - 1]) {
      expect(() => readAs(PACK, header, payload.subarray(0, length)), `${length} bytes`).toThrow(FormatError);
    }
    expect(() => readAs(PACK, header, Buffer.concat([payload, Buffer.alloc(1)]))).toThrow(FormatError);
    for (let at = 0; at < payload.length; at += at < 40 || at > payload.length - 20 ? 1 : 97) {
      const changed = payload.map((byte, index) => (index === at ? byte ^ 0x40 : byte));
      expect(() => readAs(PACK, header, changed), `byte ${at}`).toThrow(FormatError);
    }
  });

  test("of the same content are never the same bytes", () => {
    const again = sealedSegment(64, 3);
    expect(Buffer.compare(again.payload, payload)).not.toBe(0);
    expect(new ByteReader(again.payload).bytes(12)).not.toEqual(new ByteReader(payload).bytes(12));
  });
});

describe("EN-4: text files", () => {
  const owner: TextOwner = { repositoryId: ID, seal: { key: KEYS.texts, random: chance } };
  const ledger = { ...EMPTY_LEDGER, nextSequence: 9 };
  const pin: Pin = { snapshotId: "snap_00000000000000000001", reason: "x", pinnedAt: "" };

  test("come back as they were, and say nothing to a reader without the key", () => {
    const bytes = encodeLedger(owner, ledger);
    expect(decodeLedger(owner, bytes)).toEqual(ledger);
    expect(Buffer.from(bytes).toString()).not.toContain("nextSequence");
    expect(() => decodeLedger({ ...owner, seal: null }, bytes)).toThrow(/sealed/);
  });

  test("of one kind are not taken for another, nor those of another repository or never sealed", () => {
    const ledgerKind = { magic: "SHEEPFOLD LEDGER", domain: "sheepfold-ledger-v1" };
    const parsed = JSON.parse(
      Buffer.from(encodePin(owner, pin)).toString().split("\n").slice(1, -2).join("\n"),
    );
    expect(() => decodeLedger(owner, encodeTextFile(ledgerKind, parsed))).toThrow(/sealed with another key/);
    const elsewhere: TextOwner = { ...owner, repositoryId: OTHER_ID };
    expect(() => decodeLedger(owner, encodeLedger(elsewhere, ledger))).toThrow(/another repository/);
    expect(() => decodeLedger(owner, encodeLedger({ ...owner, seal: null }, ledger))).toThrow(/not sealed/);
    for (const sealed of ["", "?", "AAAA", "A".repeat(100), 7, null]) {
      const file = encodeTextFile(ledgerKind, { format: 1, repositoryId: ID, sealed });
      expect(() => decodeLedger(owner, file), String(sealed)).toThrow(FormatError);
    }
  });

  test("of a later format come back with it, and cannot be said to be of another", () => {
    const kind = { magic: "SHEEPFOLD SNAPSHOT", domain: "sheepfold-snapshot-v1", newestFormat: 3 };
    const bytes = encodeOwnedFile(kind, owner, { name: "x" }, 2);
    expect(decodeOwnedFile(kind, owner, bytes)).toEqual({ name: "x", format: 2 });
    const parsed = JSON.parse(Buffer.from(bytes).toString().split("\n").slice(1, -2).join("\n"));
    for (const format of [1, 3]) {
      const relabelled = encodeTextFile(kind, { ...parsed, format });
      expect(() => decodeOwnedFile(kind, owner, relabelled)).toThrow(/sealed with another key/);
    }
    expect(() => decodeOwnedFile({ ...kind, newestFormat: 1 }, owner, bytes)).toThrow(NewerFormatError);
  });
});

describe("EN-2: key slots", () => {
  const slotOf = (kind: "key-file" | "passphrase") =>
    wrapMasterKey(MASTER_KEY, {
      repositoryId: ID,
      key:
        kind === "key-file"
          ? { kind, bytes: new Uint8Array(32).fill(1) }
          : { kind, passphrase: "a flock of words" },
      label: "first",
      createdAt: "2026-01-01T00:00:00.000Z",
      random: chance,
    });

  test("come back as they were", async () => {
    const encryption = {
      keyCheck: new Uint8Array(32),
      slots: [await slotOf("key-file"), await slotOf("passphrase")],
    };
    const read = decodeEncryption(JSON.parse(JSON.stringify(encodeEncryption(encryption))));
    expect(encodeEncryption(read)).toEqual(encodeEncryption(encryption));
  });

  test("that ask for too much work or memory, or are none, are refused before anything is computed", async () => {
    const encoded = JSON.stringify(
      encodeEncryption({ keyCheck: new Uint8Array(32), slots: [await slotOf("passphrase")] }),
    );
    const hostile = [
      encoded.replace('"n":131072', '"n":1073741824'),
      encoded.replace('"n":131072', '"n":131071'),
      encoded.replace('"n":131072', '"n":0'),
      encoded.replace('"r":8', '"r":100000'),
      encoded.replace('"p":1', '"p":100000'),
      encoded.replace('"kind":"passphrase"', '"kind":"fingerprint"'),
      encoded.replace("aes-256-gcm", "rot13"),
      encoded.replace(/"slots":\[.*\]/, '"slots":[]'),
      encoded.replace(/"wrapped":"../, '"wrapped":"'),
    ];
    for (const text of hostile) {
      expect(text).not.toBe(encoded);
      expect(() => decodeEncryption(JSON.parse(text)), text.slice(0, 200)).toThrow(FormatError);
    }
  });
});

test("EN-1: digests are keyed, the same way in threads and outside", () => {
  const sha256 = new Uint8Array(32).map((_, index) => 7 * index);
  const keyed = Buffer.from(digestOf(sha256, KEYS));
  expect(keyed.toString("latin1")).toBe(
    keyedDigestText(Buffer.from(sha256).toString("latin1"), KEYS.digests),
  );
  expect(keyed.equals(sha256)).toBe(false);
  expect(Buffer.from(digestOf(sha256, deriveKeys(MASTER_KEY, OTHER_ID))).equals(keyed)).toBe(false);
  expect(digestOf(sha256, null)).toBe(sha256);
});

test("EN-4: what is sealed opens with its key and context only", () => {
  const context = Buffer.from("here");
  const key = new Uint8Array(32).fill(1);
  const sealed = seal(Buffer.from("wool"), { key, nonce: chance.bytes(12), context });
  expect(Buffer.from(unseal(sealed, key, context)).toString()).toBe("wool");
  expect(() => unseal(sealed, new Uint8Array(32), context)).toThrow(FormatError);
  expect(() => unseal(sealed, key, Buffer.from("there"))).toThrow(FormatError);
});
