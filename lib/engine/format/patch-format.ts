// A patch: what of a page differs from the blocks its runs name (docs/repository-format.md §5).
//
// Byte ranges in ascending order, each with how far it lies behind the one before, its length and its bytes. Patches lie
// in manifest leaves, whole; whoever has assembled a page from its blocks lays its patch over it.
import { PAGE_BYTES } from "#lib/page/page.ts";
import { ByteReader, ByteWriter, ensure } from "./bytes.ts";

/** Of one page: a leaf of 64 such pages and their runs stays below the bound of a node. */
export const PATCH_BYTES_MAX = 4096;
/** Equal bytes between two ranges that cost less than beginning a new one. */
const GAP_MIN = 3;

/** Collects the patch of one page, block by block in ascending order. */
export class PatchWriter {
  #out = new ByteWriter();
  #end = 0;

  /** The whole patch, or null when nothing was added. */
  finish(): Uint8Array | null {
    return this.#out.length === 0 ? null : this.#out.finish();
  }

  /** Adds what makes `block`, which lies `at` bytes into the page, of `base`. False, and nothing is added, when that takes
   *  more than `bytesMax` bytes or the page's patch would become too long. */
  add(at: number, base: Uint8Array, block: Uint8Array, bytesMax: number): boolean {
    const room = Math.min(bytesMax, PATCH_BYTES_MAX - this.#out.length);
    const ranges = differingRanges(base, block, room);
    if (ranges === null) return false;
    const out = new ByteWriter();
    let end = this.#end;
    for (let index = 0; index < ranges.length; index += 2) {
      const from = ranges[index] as number;
      const to = ranges[index + 1] as number;
      out.varint(at + from - end);
      out.varint(to - from);
      out.bytes(block.subarray(from, to));
      end = at + to;
    }
    if (out.length > room) return false;
    this.#out.bytes(out.finish());
    this.#end = end;
    return true;
  }
}

/** Begin and end of each range that differs, or null when they have more than `bytesMax` bytes. */
function differingRanges(base: Uint8Array, block: Uint8Array, bytesMax: number): number[] | null {
  const ranges: number[] = [];
  let bytes = 0;
  for (let at = 0; at < block.length; at++) {
    if (base[at] === block[at]) continue;
    const lastEnd = ranges.at(-1) ?? -GAP_MIN;
    if (at - lastEnd < GAP_MIN) {
      bytes += at + 1 - lastEnd;
      ranges[ranges.length - 1] = at + 1;
    } else {
      // A distance and a length besides the byte itself.
      bytes += 3;
      ranges.push(at, at + 1);
    }
    if (bytes > bytesMax) return null;
  }
  return ranges;
}

/** FormatError unless it is a patch for a page of at most `pageBytes`. Writes into `page` where one is given. */
export function readPatch(patch: Uint8Array, pageBytes: number, page: Uint8Array | null): void {
  ensure(patch.length >= 1 && patch.length <= PATCH_BYTES_MAX, `a patch of ${patch.length} bytes`);
  const from = new ByteReader(patch);
  let end = 0;
  while (from.left > 0) {
    const start = end + from.varint();
    const length = from.varint();
    end = start + length;
    ensure(length >= 1 && end <= Math.min(pageBytes, PAGE_BYTES), `a patch that ends at byte ${end}`);
    const bytes = from.bytes(length);
    page?.set(bytes, start);
  }
}
