import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { Chance } from "#lib/model/chance.ts";
import type { Encoding } from "#lib/model/localization.ts";
import { bytesInPlace, patchPage, surroundingsIn, TokenScanner } from "./tokens.ts";

function found(bytes: Uint8Array, cuts: readonly number[] = []): unknown[] {
  const scanner = new TokenScanner();
  let from = 0;
  for (const to of [...cuts, bytes.length]) {
    scanner.push(bytes.subarray(from, to));
    from = to;
  }
  return scanner.places;
}
const at = (offsetBytes: number, name: string, lengthBytes: number, encoding: Encoding = "utf8") => ({
  ...{ offsetBytes, name, lengthBytes, encoding },
});

describe("tokens are found", () => {
  test("in both encodings, without the underscores that fill them up", () => {
    const bytes = Buffer.concat([Buffer.from("host=@@host_name____@@;"), Buffer.from("@@ip@@", "utf16le")]);
    expect(found(bytes)).toEqual([at(5, "host_name", 17), at(23, "ip", 12, "utf16le")]);
  });

  test("wherever the stretches are cut, once each", () => {
    const bytes = Buffer.concat([
      Buffer.alloc(600, "x"),
      Buffer.from("@@one___@@@@two@@"),
      Buffer.alloc(601, "@@Y"),
      Buffer.from("@@three@@", "utf16le"),
    ]);
    const whole = found(bytes);
    expect(whole).toHaveLength(3);
    for (let cut = 1; cut < bytes.length; cut += 1) expect(found(bytes, [cut])).toEqual(whole);
    const everyByte = Array.from({ length: bytes.length - 1 }, (_, index) => index + 1);
    expect(found(bytes, everyByte)).toEqual(whole);
  });

  test("at an odd offset, and after marks that begin none", () => {
    expect(found(Buffer.from("@@@name@@ @@"))).toEqual([at(1, "name", 8)]);
    expect(found(Buffer.concat([Buffer.from("1"), Buffer.from("@@a@@", "utf16le")]))).toEqual([
      at(1, "a", 10, "utf16le"),
    ]);
  });

  for (const words of [
    "@@Host@@",
    "@@1a@@",
    "@@@@",
    "@@a b@@",
    "@@a@ @",
    "@@abc",
    `@@${"a".repeat(260)}@@`,
    "@@a-b@@",
  ]) {
    test(`"${words.slice(0, 12)}" is none`, () => expect(found(Buffer.from(words))).toEqual([]));
  }
});

describe("what stands in its place", () => {
  test("has exactly the token's length", () => {
    expect(bytesInPlace(at(0, "a", 10), "lab-01", "space").toString()).toBe("lab-01    ");
    expect(bytesInPlace(at(0, "a", 10), "lab-01", "nul").toString()).toBe("lab-01\0\0\0\0");
    expect(bytesInPlace(at(0, "a", 20, "utf16le"), "lab-01", "nul").toString("utf16le")).toBe(
      "lab-01\0\0\0\0",
    );
    expect(bytesInPlace(at(0, "a", 6), "lab-01", "space").toString()).toBe("lab-01");
  });
  test("is refused when it is too long, counted in bytes", () => {
    expect(() => bytesInPlace(at(0, "a", 5), "lab-01", "space")).toThrow("needs 6 bytes");
    expect(() => bytesInPlace(at(0, "a", 5), "übung", "space")).toThrow("needs 6 bytes");
    expect(bytesInPlace(at(0, "a", 10, "utf16le"), "übung", "space").toString("utf16le")).toBe("übung");
  });
});

test("pages patched one by one are the image patched as a whole, wherever tokens lie (100 images)", () => {
  const PAGE = 64;
  for (let seed = 1; seed <= 100; seed += 1) {
    const chance = new Chance(seed);
    const encoding: Encoding = chance.happens(0.5) ? "utf8" : "utf16le";
    const filler = createHash("sha512").update(String(seed)).digest("hex");
    const words = Array.from({ length: 12 }, () => {
      const noise = filler.slice(0, Math.floor(chance.between(0, 90)));
      return `${noise}@@host${"_".repeat(Math.floor(chance.between(0, 40)))}@@`;
    }).join("");
    const image = Buffer.from(words, encoding);
    const scanner = new TokenScanner();
    scanner.push(image);
    expect(scanner.places).toHaveLength(12);
    const pageAt = (offset: number) => image.subarray(offset, offset + PAGE);
    const patches = scanner.places.map((place) => {
      const surroundings: string[] = [];
      const end = place.offsetBytes + place.lengthBytes;
      for (let offset = place.offsetBytes - (place.offsetBytes % PAGE); offset < end; offset += PAGE)
        surroundings.push(surroundingsIn(place, pageAt(offset), offset));
      return { place: { ...place, surroundings }, bytes: bytesInPlace(place, "pc7", "space") };
    });
    const pages: Buffer[] = [];
    for (let offset = 0; offset < image.length; offset += PAGE)
      pages.push(patchPage(pageAt(offset), offset, PAGE, patches));
    const expected = words.replace(/@@host_*@@/g, (token) => "pc7".padEnd(token.length));
    expect(Buffer.concat(pages).toString(encoding)).toBe(expected);
    const last = patches.at(-1)?.place.offsetBytes ?? 0;
    const refused = expect.objectContaining({ code: "localization-refused" });
    const patchedOf = (bytes: Buffer, offset: number) => () =>
      patchPage(bytes.subarray(offset, offset + PAGE), offset, PAGE, patches);
    const pageOfLast = last - (last % PAGE);
    for (const damagedAt of [last, Math.max(pageOfLast, last - 1)]) {
      const damaged = Buffer.from(image);
      damaged[damagedAt] = (damaged[damagedAt] ?? 0) ^ 1;
      expect(patchedOf(damaged, pageOfLast)).toThrow(refused);
    }
  }
});
