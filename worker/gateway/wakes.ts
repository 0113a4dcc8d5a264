// Wakes the long polls of a node when its tasks may have changed. A hint may be lost, so a poll also looks by itself.

export class Wakes {
  readonly #sleepers = new Map<string, Set<() => void>>();

  wake(nodeId: string): void {
    for (const rouse of this.#sleepers.get(nodeId) ?? []) rouse();
  }

  /** Registers at once, so that no hint is missed between looking and sleeping; `sleep` ends by hint, time or signal. */
  listen(nodeId: string): { sleep(ms: number, signal: AbortSignal): Promise<void>; close(): void } {
    let hinted = false;
    let rouse: (() => void) | null = null;
    const onHint = () => {
      hinted = true;
      rouse?.();
    };
    const sleepers = this.#sleepers.get(nodeId) ?? new Set();
    sleepers.add(onHint);
    this.#sleepers.set(nodeId, sleepers);
    return {
      sleep: (ms, signal) =>
        new Promise((resolve) => {
          const done = () => {
            clearTimeout(timer);
            signal.removeEventListener("abort", done);
            rouse = null;
            hinted = false;
            resolve();
          };
          const timer = setTimeout(done, ms);
          signal.addEventListener("abort", done, { once: true });
          rouse = done;
          if (hinted || signal.aborted) done();
        }),
      close: () => {
        sleepers.delete(onHint);
        if (sleepers.size === 0) this.#sleepers.delete(nodeId);
      },
    };
  }
}
