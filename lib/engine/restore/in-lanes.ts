// inLanes does the same work for each item, several at a time and begun in order. After a failure no more is begun, and it
// is told only when all that was under way has ended: the caller may then close or reuse what the work used.

export async function inLanes<Item>(
  items: Iterable<Item>,
  laneCount: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const next = items[Symbol.iterator]();
  let failed = false;
  const lane = async () => {
    while (!failed) {
      const { done, value } = next.next();
      if (done === true) return;
      try {
        await work(value);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const results = await Promise.allSettled(Array.from({ length: laneCount }, lane));
  const rejected = results.find((result) => result.status === "rejected");
  if (rejected !== undefined) throw rejected.reason;
}
