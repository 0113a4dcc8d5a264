// Virtual time: events in order of their moment, equal moments in the order they were made, so that one seed plays one game.

interface Event {
  readonly at: number;
  readonly sequence: number;
  readonly run: () => void;
}

export class VirtualTime {
  now = 0;
  #sequence = 0;
  readonly #heap: Event[] = [];

  after(delayMs: number, run: () => void): void {
    this.at(this.now + delayMs, run);
  }

  at(moment: number, run: () => void): void {
    this.#sequence += 1;
    this.#push({ at: Math.max(moment, this.now), sequence: this.#sequence, run });
  }

  /** False when nothing is left to happen. */
  step(): boolean {
    const event = this.#pop();
    if (event === null) return false;
    this.now = event.at;
    event.run();
    return true;
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || !isBefore(event, parent)) break;
      heap[at] = parent;
      heap[above] = event;
      at = above;
    }
  }

  #pop(): Event | null {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined) return null;
    if (heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      const [left, right] = [heap[below], heap[below + 1]];
      if (left === undefined) break;
      if (right !== undefined && isBefore(right, left)) below += 1;
      const child = heap[below];
      if (child === undefined || !isBefore(child, last)) break;
      heap[at] = child;
      at = below;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(left: Event, right: Event): boolean {
  return left.at < right.at || (left.at === right.at && left.sequence < right.sequence);
}
