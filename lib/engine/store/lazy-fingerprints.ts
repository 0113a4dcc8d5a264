// LazyFingerprints is a fingerprint table that is loaded when the first block is looked up. What is added before that is kept
// and joined with what is loaded, so that adding never waits.
import { assert } from "#lib/model/assert.ts";
import type { FingerprintTable } from "./fingerprint-table.ts";

export class LazyFingerprints {
  /** Until it is loaded: what was added since. */
  #table: FingerprintTable;
  #load: (() => Promise<FingerprintTable>) | null;
  #loading: Promise<void> | null = null;
  #isGone: ((id: number) => boolean) | null = null;

  /** `load` is null when the table is whole as it is. */
  constructor(table: FingerprintTable, load: (() => Promise<FingerprintTable>) | null = null) {
    this.#table = table;
    this.#load = load;
  }

  /** Null while it is not loaded. */
  get table(): FingerprintTable | null {
    return this.#load === null ? this.#table : null;
  }

  probe(digests: Uint8Array, at: number, confirm: (id: number) => boolean): boolean {
    assert(this.#load === null, "a look-up in fingerprints that are not loaded");
    return this.#table.probe(digests, at, confirm);
  }

  insert(digests: Uint8Array, at: number, id: number): void {
    this.#table.insert(digests, at, id);
  }

  /** See FingerprintTable.forget. */
  forget(isGone: (id: number) => boolean): void {
    this.#isGone = isGone;
    this.#table.forget(isGone);
  }

  /** Loads once, for however many wait. */
  load(): Promise<void> {
    this.#loading ??= this.#loadNow().finally(() => {
      this.#loading = null;
    });
    return this.#loading;
  }

  async #loadNow(): Promise<void> {
    if (this.#load === null) return;
    const loaded = await this.#load();
    loaded.absorb(this.#table);
    if (this.#isGone !== null) loaded.forget(this.#isGone);
    this.#table = loaded;
    this.#load = null;
  }
}
