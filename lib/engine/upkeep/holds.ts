// Holds say which snapshots somebody in this process is reading, or archives against, right now. A held snapshot is not
// pruned, and GC treats it as live even when its file is gone. They are memory only: one process owns the repository.
import type { StoredSnapshot } from "../format/snapshot-format.ts";

export class Holds {
  readonly #counts = new Map<StoredSnapshot, number>();

  /** Holds the snapshot until the answer is called; calling it again does nothing. */
  take(snapshot: StoredSnapshot): () => void {
    this.#counts.set(snapshot, (this.#counts.get(snapshot) ?? 0) + 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const left = (this.#counts.get(snapshot) ?? 1) - 1;
      if (left === 0) this.#counts.delete(snapshot);
      else this.#counts.set(snapshot, left);
    };
  }

  has(snapshot: StoredSnapshot): boolean {
    return this.#counts.has(snapshot);
  }

  get all(): readonly StoredSnapshot[] {
    return [...this.#counts.keys()];
  }
}
