// PackList is what the repository knows of its packs of one kind: their names, by a small index that segment rows
// use, and which of them could not be read when the repository was opened.
import type { PackTraits } from "../format/pack-format.ts";
import type { PackListing } from "../format/snapshot-format.ts";

export interface KnownPack {
  readonly name: string;
  readonly sizeBytes: number;
  readonly traits: PackTraits;
}

export class PackList {
  readonly #packs: KnownPack[] = [];
  readonly #indexOfName = new Map<string, number>();
  /** By index: the newest session's number when the pack was last deduplicated against, or sealed. */
  readonly #usedAt: number[] = [];
  /** Removed by GC. Their places stay empty, for rows go by index. */
  readonly #retired = new Set<number>();
  /** Unreadable at open: file name and what is wrong with it. */
  readonly damaged = new Map<string, string>();
  /** What snapshot files say once was there; names a pack that is gone. */
  readonly #inventory: PackListing[] = [];

  get packs(): readonly KnownPack[] {
    return this.#packs;
  }

  add(pack: KnownPack): number {
    const known = this.#indexOfName.get(pack.name);
    if (known !== undefined) return known;
    const { name, sizeBytes, traits } = pack;
    this.#packs.push({ name, sizeBytes, traits }); // Not what else the caller knows of it, such as all its digests.
    this.#usedAt.push(0);
    this.#indexOfName.set(pack.name, this.#packs.length - 1);
    return this.#packs.length - 1;
  }

  indexOf(name: string): number | null {
    return this.#indexOfName.get(name) ?? null;
  }

  noteUse(packIndex: number, stamp: number): void {
    this.#usedAt[packIndex] = stamp;
  }

  lastUseOf(packIndex: number): number {
    return this.#usedAt[packIndex] ?? 0;
  }

  retire(packIndex: number): void {
    this.#retired.add(packIndex);
    this.#indexOfName.delete(this.nameOf(packIndex));
  }

  isRetired(packIndex: number): boolean {
    return this.#retired.has(packIndex);
  }

  /** Packs in use, with their indices. */
  get present(): readonly (readonly [number, KnownPack])[] {
    return [...this.#packs.entries()].filter(([index]) => !this.#retired.has(index));
  }

  has(name: string): boolean {
    return this.#indexOfName.has(name);
  }

  nameOf(packIndex: number): string {
    return this.#packs[packIndex]?.name ?? "an unknown pack";
  }

  inventory(listings: readonly PackListing[]): void {
    this.#inventory.push(...listings);
  }

  /** The pack that should hold `id` although no segment does. The newest that is said to: it was put in the place of the others. */
  expectedPackOf(id: number): string | null {
    const isExpected = ({ name, firstId, endId }: PackListing) =>
      id >= firstId && id < endId && !this.has(name);
    return this.#inventory.findLast(isExpected)?.name ?? null;
  }
}
