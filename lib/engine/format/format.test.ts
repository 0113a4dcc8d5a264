// The byte layouts: what is written is read back, and hostile bytes give FormatError, never anything else.
import { describe, expect, test } from "vitest";
import { ByteReader, ByteWriter, FormatError } from "./bytes.ts";
import { decodeInner, decodeLeaf, encodeInner, encodeLeaf, type PageEntry } from "./node-format.ts";
import {
  decodeDirectory,
  decodeTrailer,
  encodeFooter,
  encodeSegmentHeader,
  frameOf,
  HEADER_BYTES,
  type PackIdentity,
  SEGMENT_HEADER_BYTES,
  TRAILER_BYTES,
} from "./pack-format.ts";
import { decodeBlocks, decodeSegment, encodeSegment } from "./segment-codec.ts";
import { decodeTextFile, encodeTextFile, NewerFormatError } from "./text-file.ts";

const ID = "00112233445566778899aabbccddeeff";
const PACK: PackIdentity = { kind: "data", repositoryId: ID, blockSize: 4096, keys: null };
const hash = (fill: number) => new Uint8Array(32).fill(fill);

/** Runs `decode` on every prefix and many damaged copies: whatever it throws must be FormatError. */
function torture(bytes: Uint8Array, decode: (bytes: Uint8Array) => unknown): void {
  const attempt = (hostile: Uint8Array) => {
    try {
      decode(hostile);
    } catch (error) {
      expect(error).toBeInstanceOf(FormatError);
    }
  };
  for (let length = 0; length < bytes.length; length++) attempt(bytes.subarray(0, length));
  for (let at = 0; at < bytes.length; at++) {
    for (const mask of [0x01, 0x80, 0xff])
      attempt(bytes.map((byte, index) => (index === at ? byte ^ mask : byte)));
  }
}

describe("numbers", () => {
  test("varints hold every number up to 2^53 - 1, and signed ones the negatives", () => {
    const values = [0, 1, 127, 128, 300, 2 ** 31, 2 ** 32 + 5, 2 ** 48, Number.MAX_SAFE_INTEGER];
    const out = new ByteWriter();
    for (const value of values) out.varint(value);
    for (const value of [0, -1, 1, -64, -(2 ** 48), 2 ** 48]) out.signedVarint(value);
    const from = new ByteReader(out.finish());
    expect(values.map(() => from.varint())).toEqual(values);
    expect([0, 0, 0, 0, 0, 0].map(() => from.signedVarint())).toEqual([0, -1, 1, -64, -(2 ** 48), 2 ** 48]);
    from.end();
  });

  test("a varint that does not end is refused", () => {
    expect(() => new ByteReader(new Uint8Array(20).fill(0xff)).varint()).toThrow(FormatError);
  });
});

describe("manifest nodes", () => {
  const pages: PageEntry[] = [
    { fillByte: 0 },
    { fillByte: 255 },
    { fillByte: null, hash: hash(1), runs: [7, 10, -1, 3, -256, 2, 1_000_000_000_000, 40] },
    { fillByte: null, hash: hash(2), runs: [17, 1, 3, 20] },
  ];

  test("MF-1: a leaf comes back as it was", () => {
    expect(decodeLeaf(encodeLeaf(pages), 64)).toEqual(pages);
  });

  test("an inner node comes back as it was", () => {
    const children = [1, 2, 3].map((each) => ({
      nodeId: each * 2 ** 40,
      hash: hash(each),
      contentHash: hash(each + 9),
    }));
    expect(decodeInner(encodeInner(2, children), 2)).toEqual(children);
    expect(() => decodeInner(encodeInner(2, children), 1)).toThrow(FormatError);
  });

  test("PK-2: hostile nodes are refused", () => {
    torture(encodeLeaf(pages), (bytes) => decodeLeaf(bytes, 64));
    torture(encodeInner(1, [{ nodeId: 1, hash: hash(1), contentHash: hash(2) }]), (bytes) =>
      decodeInner(bytes, 1),
    );
    expect(() => decodeLeaf(encodeLeaf(pages), 20)).toThrow(/page of/);
  });
});

describe("packs", () => {
  const raw = new Uint8Array(8192).map((_, index) => index % 50);
  const encoded = encodeSegment(raw);
  const header = {
    codec: encoded.codec,
    firstId: 2 ** 40 + 3,
    count: 2,
    rawBytes: raw.length,
    encodedBytes: encoded.payload.length,
  };
  const entry = {
    ...header,
    offset: HEADER_BYTES,
    payloadHash: new Uint8Array(encoded.payloadHash),
    isPrivate: true,
    rawStart: 0,
    isShared: false,
  };
  const footerOffset = HEADER_BYTES + SEGMENT_HEADER_BYTES + encoded.payload.length;
  const footer = encodeFooter([entry], Buffer.concat([hash(1), hash(2)]), footerOffset, ID);
  const fileBytes = footerOffset + footer.length;
  const decodeFooter = (bytes: Uint8Array) => {
    const place = decodeTrailer(bytes.subarray(-TRAILER_BYTES), fileBytes, ID);
    return decodeDirectory(bytes.subarray(0, place.directoryBytes), place, PACK);
  };

  test("a footer comes back as it was", () => {
    expect(decodeFooter(footer).segments).toEqual([entry]);
  });

  test("PK-2: hostile footers are refused before memory is taken for them", () => {
    torture(footer, decodeFooter);
    expect(() => decodeTrailer(footer.subarray(-TRAILER_BYTES), fileBytes + 1, ID)).toThrow(/does not fit/);
    expect(() => decodeTrailer(footer.subarray(-TRAILER_BYTES), fileBytes, ID.replace("00", "01"))).toThrow(
      /another/,
    );
  });

  test("SEG-2, SEG-4: segments come back, and hostile ones are refused within the claimed length", () => {
    const bytes = Buffer.concat([encodeSegmentHeader(PACK, header, encoded.payload), encoded.payload]);
    const decode = (hostile: Uint8Array) => decodeBlocks(PACK, entry, hostile);
    expect(Buffer.compare(decode(bytes), raw)).toBe(0);
    torture(bytes, decode);
    expect(() => decodeSegment(PACK, { ...header, rawBytes: 100 }, encoded.payload)).toThrow(FormatError);
    expect(() => frameOf({ ...PACK, kind: "nodes" }, entry, bytes)).toThrow(FormatError);
  });

  test("SEG-4: a frame that asks for more memory than any segment is refused before it gets it", () => {
    // An empty zstd frame with a window of 128 MiB.
    const frame = Buffer.from("28b52ffd0088010000", "hex");
    const claimed = { ...header, codec: 1, encodedBytes: frame.length };
    expect(() => decodeSegment(PACK, claimed, frame)).toThrow(/too much memory/);
  });

  test("what does not compress is stored raw", () => {
    const random = crypto.getRandomValues(new Uint8Array(4096));
    expect(encodeSegment(random)).toMatchObject({ codec: 0, payload: random });
  });
});

describe("text files", () => {
  const kind = { magic: "MAGIC", domain: "domain-v1" };

  test("come back as they were; hostile ones are refused", () => {
    const bytes = encodeTextFile(kind, { format: 1, name: "x\ny" });
    expect(decodeTextFile(kind, bytes)).toEqual({ format: 1, name: "x\ny" });
    torture(bytes, (hostile) => {
      try {
        return decodeTextFile(kind, hostile);
      } catch (error) {
        if (error instanceof NewerFormatError) throw new FormatError("newer");
        throw error;
      }
    });
  });

  test("FORMAT-2: a newer one is told apart from a damaged one", () => {
    expect(() => decodeTextFile(kind, encodeTextFile(kind, { format: 2 }))).toThrow(NewerFormatError);
    expect(() => decodeTextFile({ ...kind, domain: "other" }, encodeTextFile(kind, { format: 1 }))).toThrow(
      FormatError,
    );
  });
});
