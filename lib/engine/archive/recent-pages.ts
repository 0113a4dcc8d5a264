// RecentPages remembers pages one archive has taken in, so that an agent need not send the same page twice.
// Bounded; it belongs to one archive, so a hash never opens what another node has stored.
import type { RunsPage } from "../format/node-format.ts";

const PAGES_MAX = 16_384;

export class RecentPages {
  readonly #pages = new Map<string, RunsPage>();

  get(hash: Uint8Array): RunsPage | null {
    return this.#pages.get(keyOf(hash)) ?? null;
  }

  put(page: RunsPage): void {
    this.#pages.set(keyOf(page.hash), page);
    for (const oldest of this.#pages.keys()) {
      if (this.#pages.size <= PAGES_MAX) break;
      this.#pages.delete(oldest);
    }
  }
}

function keyOf(hash: Uint8Array): string {
  return Buffer.from(hash.buffer, hash.byteOffset, hash.length).toString("latin1");
}
