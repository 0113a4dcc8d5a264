// ReadLeases say which reads are under way: each found out where a block lies and is about to read there. A pack whose blocks
// have moved keeps its file until the reads that began before have ended. Whoever reads afterwards finds the new place.

export class ReadLeases {
  #next = 1;
  readonly #open = new Set<number>();

  /** Before a place is looked up; call the answer when its bytes are there. */
  begin(): () => void {
    const number = this.#next++;
    this.#open.add(number);
    return () => this.#open.delete(number);
  }

  /** Answers, at any later time, whether all reads that are under way now have ended. */
  ended(): () => boolean {
    const now = this.#next;
    return () => {
      for (const number of this.#open) if (number < now) return false;
      return true;
    };
  }
}
