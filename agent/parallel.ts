// Bounded concurrency for a list known in advance. The bound is the point: it is what keeps memory and connections finite.

/** Runs `work` for 0 … count-1, at most `width` at a time; the first failure stops further starts and is thrown. */
export async function forEachParallel(
  count: number,
  width: number,
  work: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  let failed = false;
  const lane = async () => {
    while (next < count && !failed) {
      const index = next++;
      try {
        await work(index);
      } catch (thrown) {
        failed = true;
        throw thrown;
      }
    }
  };
  // allSettled, not all: when this returns, nothing of it still runs, so the caller may close what it lent out.
  const lanes = await Promise.allSettled(Array.from({ length: Math.min(width, count) }, lane));
  const failure = lanes.find((settled) => settled.status === "rejected");
  if (failure !== undefined) throw failure.reason;
}

/** Yields `make(item)` in the items' order while up to `width` of them are being made. */
export async function* madeAhead<Item, Made>(
  items: readonly Item[],
  width: number,
  make: (item: Item) => Promise<Made>,
): AsyncGenerator<Made> {
  const making: Promise<Made>[] = [];
  let next = 0;
  const start = () => {
    const item = items[next++];
    if (item === undefined) return;
    const made = make(item);
    made.catch(() => undefined); // Thrown when its turn comes; until then it must not count as unhandled.
    making.push(made);
  };
  while (making.length < width && next < items.length) start();
  for (let made = making.shift(); made !== undefined; made = making.shift()) {
    const value = await made;
    start();
    yield value;
  }
}
