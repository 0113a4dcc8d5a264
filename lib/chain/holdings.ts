// Where each page of the target is on this node.

export const AT = {
  /** Not looked at yet: not asked for, but taken when it comes by. */
  unknown: 0,
  /** On the disk, its hash checked. */
  disk: 1,
  lacking: 2,
  /** In memory, on its way to the disk. */
  writing: 3,
  /** In memory until the end: what makes an image look whole is written last. */
  held: 4,
  /** It came while the disk was behind: forwarded, not written, to be asked for again. */
  spilled: 5,
} as const;

export type Place = (typeof AT)[keyof typeof AT];

export class Holdings<Bytes> {
  readonly #at: Uint8Array;
  readonly #held = new Map<number, Bytes>();
  #missing: number;

  constructor(pageCount: number, hasAll: boolean) {
    this.#at = new Uint8Array(pageCount).fill(hasAll ? AT.disk : AT.unknown);
    this.#missing = hasAll ? 0 : pageCount;
  }

  /** Pages that are neither on the disk nor held for the end. */
  get missing(): number {
    return this.#missing;
  }

  get held(): ReadonlyMap<number, Bytes> {
    return this.#held;
  }

  placeOf(page: number): Place {
    return (this.#at[page] ?? AT.unknown) as Place;
  }

  /** Can be given to a neighbour. */
  canServe(page: number): boolean {
    const place = this.placeOf(page);
    return place === AT.disk || place === AT.held;
  }

  /** Here, or on its way to the disk: nothing to ask for. */
  has(page: number): boolean {
    return this.canServe(page) || this.placeOf(page) === AT.writing;
  }

  hold(page: number, bytes: Bytes): void {
    this.#held.set(page, bytes);
    this.move(page, AT.held);
  }

  move(page: number, to: Place): void {
    this.#missing += Number(isMissing(to)) - Number(isMissing(this.placeOf(page)));
    this.#at[page] = to;
    if (to !== AT.held) this.#held.delete(page);
  }
}

function isMissing(place: Place): boolean {
  return place !== AT.disk && place !== AT.held;
}
