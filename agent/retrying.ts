// Repeating what may be repeated: waits grow from a quarter of a second, with jitter so that a classroom whose server comes
// back does not knock all at once.
import { CodedError } from "#lib/model/errors.ts";

const FIRST_WAIT_MS = 250;

/** How long to wait before attempt `attempt` (from 1): doubling, bounded, 50 to 100 % of it by chance. */
export function backoffMs(attempt: number, waitMsMax: number, chance: () => number = Math.random): number {
  const full = Math.min(waitMsMax, FIRST_WAIT_MS * 2 ** Math.min(attempt - 1, 20));
  return full * (0.5 + 0.5 * chance());
}

/** Resolves after `ms`, or rejects with the signal's reason as soon as it is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

/** Repeats `work` while the server is unreachable or in passing trouble, for at most `forMs`. */
export async function retrying<Value>(
  work: () => Promise<Value>,
  signal: AbortSignal,
  forMs: number,
): Promise<Value> {
  const giveUpAt = Date.now() + forMs;
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (thrown) {
      signal.throwIfAborted();
      if (!mayPass(thrown) || Date.now() >= giveUpAt) throw thrown;
      await pause(backoffMs(attempt, 5_000), signal);
    }
  }
}

function mayPass(thrown: unknown): boolean {
  if (!(thrown instanceof CodedError)) return false;
  return thrown.code === "server-unreachable" || thrown.code === "database-unavailable";
}
