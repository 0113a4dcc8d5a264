// JobWatch lets many running jobs wait for "my rows changed" over one subscription. Notifications are hints and may be lost, so
// every wait also ends by itself.
import { subscribe } from "#lib/db/notify.ts";

export interface JobWatch {
  /** Begin to listen for one job; stop when it has ended. */
  listen(jobId: string): JobListener;
  close(): Promise<void>;
}

export interface JobListener {
  /** Resolves at once when something changed since the last call, else at the next change, after `msMax`, or when
   *  `signal` aborts. Never rejects. */
  changed(msMax: number, signal: AbortSignal): Promise<void>;
  stop(): void;
}

export async function watchJobs(): Promise<JobWatch> {
  const listeners = new Map<string, Set<() => void>>();
  const wake = (jobId: string) => {
    for (const notify of listeners.get(jobId) ?? []) notify();
  };
  const unsubscribe = await subscribe("jobs", wake);
  return {
    listen(jobId) {
      const waiter = new Waiter();
      const notify = () => waiter.notify();
      const own = listeners.get(jobId) ?? new Set();
      listeners.set(jobId, own.add(notify));
      return {
        changed: (msMax, signal) => waiter.wait(msMax, signal),
        stop() {
          own.delete(notify);
          if (own.size === 0 && listeners.get(jobId) === own) listeners.delete(jobId);
        },
      };
    },
    close: unsubscribe,
  };
}

/** Remembers a change that comes while nobody waits, so that none falls between two looks. */
class Waiter {
  #missed = false;
  #resolve: (() => void) | null = null;

  notify(): void {
    if (this.#resolve === null) this.#missed = true;
    else this.#resolve();
  }

  wait(msMax: number, signal: AbortSignal): Promise<void> {
    if (this.#missed || signal.aborted) {
      this.#missed = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        this.#resolve = null;
        resolve();
      };
      const timer = setTimeout(done, msMax);
      signal.addEventListener("abort", done);
      this.#resolve = done;
    });
  }
}
